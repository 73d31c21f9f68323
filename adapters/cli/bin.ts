#!/usr/bin/env node
import { main } from './main.js';

/** Commands that run until they are told to end. */
const SERVING = ['sidecar', 'rds'];
/** How long whatever else was begun may hold a command of these that is over, ms. */
const LEFT_MS = 1000;

const serves = SERVING.includes(process.argv[2] ?? '');
if (serves) {
  // Who reads of it may go; it is there for others.
  for (const out of [process.stdout, process.stderr]) out.on('error', () => {});
} else {
  // Whoever reads has seen enough: `meltemi decode … | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}
process.exitCode = await main(process.argv.slice(2), process);
// A module of the configuration may wait for something that never comes.
if (serves) setTimeout(() => process.exit(), LEFT_MS).unref();
