import { request } from 'node:http';

export interface AskOptions {
  /** @defaultValue 5,000 ms */
  readonly timeoutMs?: number;
  /** Longest answer. @defaultValue 64 MiB */
  readonly maxBytes?: number;
}

/**
 * Asks a process for one of its resources.
 * @param path - of the socket
 * @param resource - such as `/status`
 * @throws Error - nobody listens, the answer is an error, too long or late, or no JSON
 */
export function ask(path: string, resource: string, options: AskOptions = {}): Promise<unknown> {
  const { timeoutMs = 5000, maxBytes = 64 * 1024 * 1024 } = options;
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${path}: ${why}`));
    const signal = AbortSignal.timeout(timeoutMs);
    const call = request({ socketPath: path, path: resource, agent: false, signal }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes <= maxBytes) return;
        fail(`the answer is longer than ${maxBytes} bytes`);
        call.destroy();
      });
      response.on('error', (error) => fail(error.message));
      response.on('end', () => {
        try {
          const answer: unknown = JSON.parse(Buffer.concat(chunks).toString());
          if (response.statusCode === 200) resolve(answer);
          else fail(String((answer as { error?: unknown } | null)?.error ?? `status ${response.statusCode}`));
        } catch {
          fail('the answer is no JSON');
        }
      });
    });
    call.on('error', (error) => fail(signal.aborted ? `no answer within ${timeoutMs} ms` : error.message));
    call.end();
  });
}
