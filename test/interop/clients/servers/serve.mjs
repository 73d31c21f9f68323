/**
 * What the servers of this folder have in common. Each is a program that starts a real server on free loopback ports in a
 * temporary folder and prints one line of JSON when it is ready, with its ports. It ends with its standard input, and with
 * it go the server's processes and the folder, also when whoever started it has died.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const GRACE_MS = 2000;
const LAST_WORDS = 4000;

/** @param start - is given the temporary folder; what it resolves with is printed. */
export async function serve(start) {
  const folder = mkdtempSync(join(tmpdir(), 'meltemi-peer-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  process.once('uncaughtException', (error) => end(1, error.stack));
  process.once('unhandledRejection', (error) => end(1, error.stack));
  process.once('SIGTERM', () => end(0));
  process.stdin.once('end', () => end(0)).resume();
  process.stdout.write(`${JSON.stringify({ ready: true, ...(await start(folder)) })}\n`);
}

const started = [];
let ending = false;

/**
 * Starts a program and resolves with what it said when it has printed what `ready` matches, if that is given.
 * @param options.signal - at which it ends at once and in order. @defaultValue SIGTERM
 * @param options.env - added to this process's.
 */
export function daemon(command, args, ready, options = {}) {
  const { child, said, closed } = start(command, args, options);
  closed.then(() => end(1, `${command} ended:\n${said()}`));
  if (ready === undefined) return undefined;
  return new Promise((resolve) => {
    const heard = () => ready.test(said()) && resolve(said());
    child.stdout.on('data', heard);
    child.stderr.on('data', heard);
  });
}

/** Runs a program to its end. @throws Error - it failed; with what it said last. */
export async function run(command, args) {
  const { said, closed } = start(command, args, {});
  const status = await closed;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: status ${status}\n${said()}`);
  return said();
}

/** Resolves when `holds` does; whoever started this bounds the wait. */
export async function until(holds) {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** For a server that does not say when it listens. */
export function listening(port) {
  const tryIt = () =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy()));
      socket.once('error', () => resolve(undefined));
    });
  return until(tryIt);
}

function start(command, args, { signal = 'SIGTERM', env }) {
  const child = spawn(command, args, {
    detached: true, // a group of its own, so that what it starts goes with it
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'], // stdin is for those who would end with it
  });
  const closed = new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
  started.push({ child, closed, signal });
  let said = '';
  const hear = (chunk) => {
    said = (said + chunk).slice(-LAST_WORDS);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  return { child, closed, said: () => said };
}

async function end(code, why) {
  if (ending) return;
  ending = true;
  if (why !== undefined) process.stderr.write(`${why}\n`);
  const all = Promise.allSettled(started.map(({ closed }) => closed));
  for (const { child, signal } of started) kill(child, signal);
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, GRACE_MS))]);
  for (const { child } of started) kill(child, 'SIGKILL');
  await all;
  process.exit(code);
}

function kill(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // it has gone already, or never was
  }
}

/** Servers that refuse to run as root run as their own user; another user's tests run them as that user. */
export function as(user, command, args) {
  if (process.getuid() !== 0) return [command, args];
  return ['setpriv', [`--reuid=${user}`, `--regid=${user}`, '--clear-groups', command, ...args]];
}
