import { createInterface } from 'node:readline';
import { startPeer } from '../../examples/demo/peers/start-peer.js';

export interface SofaClient {
  /** Rejects with an Error of the message that the client library raised. */
  invoke(method: string, args?: readonly unknown[], attachments?: Readonly<Record<string, string>>): Promise<unknown>;
  close(): Promise<void>;
}

/** An unmodified npm sofa-rpc-node client, without a registry, for whatever listens on that port of 127.0.0.1. */
export async function sofaClient(port: number): Promise<SofaClient> {
  const peer = await startPeer('test/peers/sofa-process.mjs', [String(port)]);
  const waiting = new Map<number, (answer: { result?: unknown; error?: string }) => void>();
  createInterface(peer.process.stdout!).on('line', (line) => {
    const answer = JSON.parse(line) as { id: number; result?: unknown; error?: string };
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  let next = 0;
  return {
    async invoke(method, args = [], attachments = {}) {
      const id = next++;
      const answered = new Promise<{ result?: unknown; error?: string }>((resolve) => waiting.set(id, resolve));
      peer.process.stdin!.write(`${JSON.stringify({ id, method, args, attachments })}\n`);
      const { result, error } = await answered;
      if (error !== undefined) throw new Error(error);
      return result;
    },
    close: peer.stop,
  };
}
