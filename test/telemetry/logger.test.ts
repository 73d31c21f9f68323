import { describe, expect, test } from '@jest/globals';
import { type Logger, silentLogger, stderrLogger, withoutRepeats } from '../../src/telemetry/index.js';
import { oneLine } from '../../src/telemetry/logger.js';
import { ManualRuntime } from '../../src/testing/index.js';

function recording(): { lines: string[]; logger: Logger } {
  const lines: string[] = [];
  const warn = (message: string) => lines.push(message);
  return { lines, logger: { ...silentLogger, warn } };
}

describe('logger', () => {
  test('by default warnings and errors go to stderr, a line each', () => {
    const lines: string[] = [];
    const logger = stderrLogger(new ManualRuntime(), { write: (text) => lines.push(text) });
    logger.debug('no');
    logger.info('no');
    logger.warn('rules/a.yaml:3: unknown field\nforged line \u001b[31m\u2028');
    logger.error('broken');
    expect(lines).toEqual([
      '2024-01-01T00:00:00.000Z meltemi warn rules/a.yaml:3: unknown field\\nforged line \\u001b[31m\\u2028\n',
      '2024-01-01T00:00:00.000Z meltemi error broken\n',
    ]);
  });

  test('the same message is logged once a minute, then with how often it was kept back', () => {
    const runtime = new ManualRuntime();
    const { lines, logger: inner } = recording();
    const logger = withoutRepeats(inner, runtime);
    for (let i = 0; i < 59; i++) {
      logger.warn('peer is down');
      runtime.advance(1000);
    }
    logger.warn('another');
    logger.info('peer is down');
    runtime.advance(1000);
    logger.warn('peer is down');
    expect(lines).toEqual(['peer is down', 'another', 'peer is down (and 58 times more since it was last logged)']);
  });

  test('a logger that throws loses its lines, and nothing else', () => {
    const broken = () => {
      throw new Error('disk full');
    };
    const logger = withoutRepeats({ ...silentLogger, warn: broken }, new ManualRuntime());
    expect(() => logger.warn('peer is down')).not.toThrow();
  });

  test('remembers a bounded number of messages', () => {
    const { lines, logger: inner } = recording();
    const logger = withoutRepeats(inner, new ManualRuntime());
    for (let round = 0; round < 2; round++) for (let i = 0; i < 257; i++) logger.warn(`message ${i}`);
    expect(lines).toHaveLength(514);
    logger.warn('message 256');
    expect(lines).toHaveLength(514);
  });

  test('text without control characters is passed on as it is', () => {
    expect(oneLine('plain — ünïcode 你好')).toBe('plain — ünïcode 你好');
    expect(oneLine('\t\u0000\u009b')).toBe('\\t\\u0000\\u009b');
  });
});
