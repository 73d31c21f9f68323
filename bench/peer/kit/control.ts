/** How a program of the bench hears from the one that started it: over the channel that `spawn` opened, with whose end it ends. */

/** Answers each message; an error is an answer too. */
export function obey(handle: (message: never) => unknown): void {
  process.on('message', async (message) => {
    try {
      process.send?.({ answer: await handle(message as never) });
    } catch (error) {
      process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.once('disconnect', () => process.exit(0));
  // Ctrl-C reaches all processes of a terminal; whoever started this one stops it in its turn.
  process.on('SIGINT', () => {});
}
