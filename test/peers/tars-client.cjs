/**
 * A TARS client that knows nothing of Meltemi: npm's @tars/rpc, a process of its own, since its timers and sockets cannot
 * all be closed. Calls come as lines of JSON on standard input, what became of them goes to standard output; it ends with
 * its input.
 */
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { createInterface } = require('node:readline');
const { client } = require('@tars/rpc');
const { BinBuffer } = require('@tars/stream');

// It takes its configuration from a file only.
const folder = mkdtempSync(join(tmpdir(), 'meltemi-tars-'));
writeFileSync(join(folder, 'conf'), '<tars>\n<application>\n<client>\n</client>\n</application>\n</tars>\n');
client.initialize(join(folder, 'conf'));
rmSync(folder, { recursive: true });

const proxies = new Map();

function proxy(servant, port) {
  const key = `${servant}@tcp -h 127.0.0.1 -p ${port} -t 60000`;
  if (!proxies.has(key)) proxies.set(key, client.stringToProxy(class Generated {}, key)._worker);
  return proxies.get(key);
}

async function call({ servant, port, func, context, body }) {
  const buffer = new BinBuffer();
  buffer.writeNodeBuffer(Buffer.from(body));
  try {
    const { response } = await proxy(servant, port).tars_invoke(func, buffer, { context });
    return { text: String(response.sBuffer.toNodeBuffer()), context: response.context.value };
  } catch (thrown) {
    return { error: thrown.error ?? String(thrown) };
  }
}

const lines = createInterface(process.stdin);
lines.on('line', async (line) => {
  const { id, ...request } = JSON.parse(line);
  console.log(JSON.stringify({ id, ...(await call(request)) }));
});
lines.once('close', () => process.exit());
