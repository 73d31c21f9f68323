const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { client } = require('@tars/rpc');
const { BinBuffer } = require('@tars/stream');
const { digest, fails, host, noise, port, refusing, step } = require('./step.cjs');

// It takes its configuration from a file only.
const folder = mkdtempSync(join(tmpdir(), 'meltemi-tars-'));
writeFileSync(join(folder, 'conf'), '<tars>\n<application>\n<client>\n</client>\n</application>\n</tars>\n');
client.initialize(join(folder, 'conf'));
rmSync(folder, { recursive: true });

function clientOf(port, timeoutMs) {
  const address = `Demo.EchoServer.EchoObj@tcp -h ${host} -p ${port} -t 60000`;
  const { _worker: worker } = client.stringToProxy(class Generated {}, address);
  worker.timeout = timeoutMs;
  return async (func, body = Buffer.alloc(0)) => {
    const buffer = new BinBuffer();
    buffer.writeNodeBuffer(body);
    try {
      const { response } = await worker.tars_invoke(func, buffer, {});
      return { body: response.sBuffer.toNodeBuffer(), by: response.context.value['answered-by'] };
    } catch (thrown) {
      throw thrown.error ?? thrown;
    }
  };
}

const call = clientOf(port, 5000);
const times = (count, func) => Promise.all(Array.from({ length: count }, async () => `from ${(await call(func)).by}`));

async function main() {
  await step('call', async () => String((await call('echo', Buffer.from('мимо'))).body));
  await step('split', () => times(40, 'who'));
  await step('pinned', () => times(10, 'context'));
  await step('1 MiB', async () => digest((await call('echo', noise(1 << 20))).body));
  await fails('server error', () => call('fail'));
  await fails('no such function', () => call('missing'));
  await fails('connection refused', () => clientOf(refusing, 1000)('who'));
  process.exit(); // its timers and sockets cannot all be closed
}

main();
