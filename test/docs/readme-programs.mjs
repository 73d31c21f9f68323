/**
 * Runs what a page of documents shows, as a reader would: each fenced block whose first line is a comment with a file
 * name becomes that file, each `console` block is a session whose commands must print what stands below them. `…`
 * stands for anything: alone on a line for any lines, else for any text. A command that ends in `&` goes on in the
 * background once it has printed its first line; `NAME=value` before a command is its environment. Plain
 * JavaScript, as the check of the packed package runs it too.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** How long a command may take. */
const PATIENCE_MS = 30_000;

export function readBlocks(markdown) {
  const files = new Map();
  const sessions = [];
  for (const [, language, body] of markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)) {
    const name = /^(?:\/\/|#) (\S+\.\w+)$/m.exec(body.split('\n', 1)[0])?.[1];
    if (name !== undefined) files.set(name, body);
    else if (language === 'console') sessions.push(commandsOf(body));
  }
  return { files, sessions };
}

function commandsOf(body) {
  const commands = [];
  for (const line of body.trimEnd().split('\n')) {
    if (line.startsWith('$ ')) commands.push({ command: line.slice(2), output: [] });
    else commands.at(-1).output.push(line);
  }
  return commands;
}

/** Writes the page's files into a folder where its imports resolve. @param replace - of their text, such as ports */
export async function writeFiles(folder, files, replace = (text) => text) {
  await Promise.all([...files].map(([name, text]) => writeFile(join(folder, name), replace(text))));
}

/**
 * Runs the commands of one session.
 * @returns for each that prints, what it should and what it did; `matches` tells whether the two agree
 */
export async function runSession(folder, commands, replace = (text) => text) {
  const background = [];
  const results = [];
  try {
    for (const { command: written, output } of commands) {
      const command = replace(written);
      const expected = output.map(replace);
      if (/^kill %\d+$/.test(command)) {
        await stop(background.splice(Number(command.slice(6)) - 1, 1)[0]);
        continue;
      }
      const inBackground = command.endsWith('&');
      const child = start(folder, command.replace(/ *&$/, ''));
      if (inBackground) background.push(child);
      const printed = inBackground ? await firstLine(child) : await everyLine(child);
      results.push({ command, expected, printed, matches: matches(expected, printed) });
    }
  } finally {
    for (const child of background) await stop(child);
  }
  return results;
}

function start(folder, command) {
  const words = command.split(' ');
  const at = words.findIndex((word) => !/^[A-Z_]+=/.test(word));
  const env = Object.fromEntries(words.slice(0, at).map((word) => word.split(/=(.*)/s, 2)));
  const [program, ...args] = words.slice(at);
  const cli = join(folder, 'node_modules/meltemi/dist/adapters/cli/bin.js');
  const known = { node: args, npx: [cli, ...args.slice(1)] }[program];
  if (known === undefined || (program === 'npx' && args[0] !== 'meltemi')) throw new Error(`cannot run '${command}'`);
  const child = spawn(process.execPath, known, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
  });
  const lines = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      child.emit('printed');
    });
  }
  return Object.assign(child, { lines, ended: once(child, 'close') });
}

async function everyLine(child) {
  const [code, signal] = await child.ended;
  return code === 0 ? child.lines : [...child.lines, `(ended with ${signal ?? `status ${code}`})`];
}

async function firstLine(child) {
  if (child.lines.length === 0) await Promise.race([once(child, 'printed'), child.ended]);
  return child.exitCode === null ? child.lines : everyLine(child);
}

async function stop(child) {
  child?.kill('SIGTERM');
  await child?.ended;
}

function matches(expected, printed) {
  const pattern = expected.map((line) =>
    line === '…' ? '(?:.*\\n)*?' : `${line.split('…').map(escaped).join('.*')}\n`,
  );
  return new RegExp(`^${pattern.join('')}$`).test(printed.map((line) => `${line}\n`).join(''));
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** @returns README.md's text */
export function readme() {
  return readFile(new URL('../../README.md', import.meta.url), 'utf8');
}
