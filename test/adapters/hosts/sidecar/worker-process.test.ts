import type { Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import type { FromWorker, ToWorker } from '../../../../adapters/hosts/sidecar/workers/messages.js';
import { WorkerProcess } from '../../../../adapters/hosts/sidecar/workers/worker-process.js';
import { parseConfig } from '../../../../adapters/node/config.js';

/** A fake: what a real one does before it listens is a matter of moments. */
class FakeWorker extends EventEmitter {
  readonly sent: ToWorker[] = [];
  readonly process = {
    pid: 7,
    send: (message: ToWorker, _handle: unknown, _options: unknown, done: (error: null) => void) => {
      this.sent.push(message);
      done(null);
    },
  };

  isConnected(): boolean {
    return true;
  }

  says(message: FromWorker): void {
    this.emit('message', message);
  }
}

const never = new Promise<void>(() => {});
const config = parseConfig({});

function made() {
  const fake = new FakeWorker();
  const options = { config, feeds: new Map(), index: 0, count: 2, tell: () => {} };
  return { fake, worker: new WorkerProcess(fake as unknown as Worker, options) };
}

describe('before a worker listens', () => {
  test('nothing is sent to it; if it is drained then, it is never started', async () => {
    const { fake, worker } = made();
    const drained = worker.drain(never);
    expect(await worker.status()).toBeUndefined();
    expect(fake.sent).toEqual([]);
    fake.says({ type: 'hello' });
    expect(fake.sent).toEqual([{ type: 'drain' }]);
    fake.emit('exit', 0, null);
    await drained;
  });

  test('a configuration that is read again is the one that it is started with', () => {
    const { fake, worker } = made();
    const newer = parseConfig({ mode: 'observe' });
    worker.reload(newer);
    expect(fake.sent).toEqual([]);
    fake.says({ type: 'hello' });
    expect(fake.sent).toEqual([{ type: 'start', config: newer, sources: [], index: 0, count: 2 }]);
  });
});
