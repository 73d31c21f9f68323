#!/usr/bin/env node
import { main } from './main.js';

// Whoever reads has seen enough: `meltemi decode … | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});
process.exitCode = await main(process.argv.slice(2), process);
