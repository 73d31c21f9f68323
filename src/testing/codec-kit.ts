/**
 * What every codec must stand, whatever its protocol. The kit takes samples of real traffic and returns named checks
 * for any test runner:
 *
 *     for (const check of codecKit({ protocol, exchanges })) test(check.name, check.run);
 *
 * Bytes come as networks bring them (cut anywhere, several messages at once, ended early) and as enemies send them (noise,
 * samples with a few bytes changed). To those a codec may answer with a ProtocolError, with waiting, or with a message
 * whose attributes can be read; with nothing else, and without hanging or hoarding. What it decodes it must encode byte for
 * byte, under another id too, and never write to.
 */
import { CodecChecks } from './codec-checks.js';
import { type CodecKitOptions, samplesOf } from './codec-samples.js';

/** One check of a codec, ready to be handed to a test runner. */
export interface CodecCheck {
  readonly name: string;
  /** @throws Error - the codec fails the check; the message says with which sample, and how. */
  run(): void;
}

export function codecKit(options: CodecKitOptions): CodecCheck[] {
  const { protocol, exchanges } = options;
  const samples = exchanges.flatMap(samplesOf);
  const kit = new CodecChecks(options, samples);
  const checks: [string, () => void][] = [
    ['decodes each sample as one message of its size', () => kit.each(kit.whole)],
    ['decodes samples split at every byte', () => kit.each(kit.split)],
    ['decodes samples that come byte by byte', () => kit.each(kit.bytewise)],
    ['decodes many samples in one chunk, and in chunks of any size', () => kit.coalesced()],
    ['waits for the rest of a truncated sample', () => kit.each(kit.truncated)],
    ['refuses what is over the maximum size, and takes what is not', () => kit.each(kit.tooLong)],
    ['answers noise with a ProtocolError, a message, or waiting', () => kit.noise()],
    ['answers changed samples with a ProtocolError, a message, or waiting', () => kit.changed()],
    ['encodes each sample byte for byte', () => kit.each(kit.roundTrip)],
    ['keeps attributes when a message is copied out of its read chunk', () => kit.each(kit.unpinned)],
    ['reports a failure that the caller reads as one', () => kit.each(kit.rejected)],
    ['ends a stream in words that both sides read', () => kit.each(kit.reset)],
  ];
  if (protocol.sharing === 'multiplexed') {
    checks.push(['replaces ids and restores them', () => kit.each(kit.renumbered)]);
  }
  if (protocol.heartbeat !== undefined) checks.push(['heartbeats and answers them', () => kit.heartbeat()]);
  if (options.mutation !== undefined)
    checks.push(['mutates without touching the message', () => kit.each(kit.mutated)]);
  return checks.map(([name, run]) => ({ name: `${protocol.name} codec ${name}`, run }));
}
