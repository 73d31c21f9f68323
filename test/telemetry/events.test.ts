import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from '@jest/globals';
import { AttemptTelemetryGate, events, Meters } from '../../src/telemetry/index.js';
import { FakeAttempt, reply } from '../policy/support.js';

describe('events', () => {
  test('are published on the channel of their name, while somebody listens', () => {
    const gate = new AttemptTelemetryGate(new Meters().cluster('c'));
    const attempt = new FakeAttempt();
    const seen: unknown[] = [];
    const listener = (payload: unknown) => seen.push(payload);
    expect(events.attemptEnd.hasSubscribers).toBe(false);
    subscribe('meltemi:attempt:end', listener);
    const outcome = reply();
    gate.before(attempt);
    gate.settled(attempt, outcome);
    unsubscribe('meltemi:attempt:end', listener);
    gate.before(attempt);
    gate.settled(attempt, outcome);
    expect(seen).toEqual([{ attempt, outcome }]);
  });
});
