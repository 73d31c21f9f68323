/**
 * What the programs of this folder have in common: each is an application that knows nothing of Meltemi, does a few things
 * with its library, prints a line of JSON for each, and ends by itself. Their first arguments are the host and port of
 * their server, and a port that refuses connections; what else a server has to tell comes as JSON in SERVER.
 */
const { createHash } = require('node:crypto');

const host = process.argv[2];
const port = Number(process.argv[3]);
const refusing = Number(process.argv[4]);
const server = JSON.parse(process.env.SERVER ?? '{}');

/** Does one thing that should succeed and prints what came of it. Never rejects. */
async function step(name, act) {
  try {
    print({ step: name, result: await act() });
  } catch (thrown) {
    print({ step: name, error: told(thrown), unexpected: true });
  }
}

/** Does one thing that should fail, likewise. */
async function fails(name, act) {
  try {
    print({ step: name, result: await act(), unexpected: true });
  } catch (thrown) {
    print({ step: name, error: told(thrown) });
  }
}

function print(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** What an application could tell of an error, with those below it. */
function told(error) {
  if (!(error instanceof Error)) return error;
  const { name, code, errno, syscall, message, cause, errors } = error;
  return { name, code, errno, syscall, message, cause: cause && told(cause), errors: errors?.map(told) };
}

/** Of large values, which nobody wants to read. */
function digest(value) {
  return { length: value.length, sha256: createHash('sha256').update(value).digest('hex') };
}

/** Bytes without a pattern that a lost or repeated piece could hide in. */
function noise(length) {
  const bytes = Buffer.allocUnsafe(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

module.exports = { host, port, refusing, server, step, fails, told, digest, noise };
