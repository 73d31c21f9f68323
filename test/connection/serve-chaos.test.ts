import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CallSink, Failure, Reply } from '../../src/call/index.js';
import { ByteBudget, inProcessDuplex, serve } from '../../src/connection/index.js';
import { ByteQueue, type Message } from '../../src/message/index.js';
import { ManualRuntime } from '../../src/testing/index.js';
import { FrameCodec, frame, frameProtocol, KIND, message, payloadOf } from './support/frame-protocol.js';

/**
 * Requests in pieces of any size, answered in any order or not at all, by a client that may stop reading, ends its side
 * or goes away: each request is dispatched once and in order, and answered once, to whoever asked; what is not answered is
 * cancelled; in order where there are no ids.
 */
const steps = fc.array(
  fc.tuple(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('ask' as const, 'reply' as const) },
      { weight: 3, arbitrary: fc.constantFrom('refuse' as const, 'oneway' as const, 'ping' as const) },
      { weight: 2, arbitrary: fc.constantFrom('deaf' as const, 'listen' as const, 'turn' as const) },
    ),
    fc.nat({ max: 1000 }),
  ),
  { maxLength: 80 },
);
const endings = fc.constantFrom('end', 'destroy', 'garbage', 'drain', 'evict');
const turn = () => new Promise((resolve) => setImmediate(resolve));

test.each(['multiplexed', 'pipelined'] as const)('%s: nothing is lost, crossed or answered twice', async (sharing) => {
  await fc.assert(
    fc.asyncProperty(steps, endings, fc.nat({ max: 20 }), async (script, ending, limit) => {
      const ordered = sharing === 'pipelined';
      const [client, server] = inProcessDuplex({ highWaterMark: 512 });
      const runtime = new ManualRuntime();
      const calls: { request: Message; sink: CallSink; ended: boolean; cancelled: number }[] = [];
      const dispatcher = {
        dispatch(request: Message, sink: CallSink) {
          const call = { request, sink, ended: false, cancelled: 0 };
          calls.push(call);
          return {
            cancel: () => {
              call.cancelled++;
            },
          };
        },
      };
      const budget = new ByteBudget();
      const options = { runtime, budget, maxInFlight: limit + 1, maxRequestBytes: 4000, maxReplyBytes: 1_000_000 };
      const downstream = serve(server, frameProtocol({ sharing, ids: !ordered }), dispatcher, options);
      const [codec, queue] = [new FrameCodec(true, 'error'), new ByteQueue()];
      const got: string[] = [];
      client.on('error', () => {});
      client.on('data', (chunk: Buffer) => {
        queue.push(chunk);
        for (let m = codec.decode(queue); m !== null; m = codec.decode(queue)) {
          if (m.kind !== 'heartbeat') got.push(payloadOf(m));
          if (!ordered && m.kind !== 'heartbeat') expect(payloadOf(m)).toContain(` ${m.idLow} `);
        }
      });
      let asked = 0;
      const write = (bytes: Buffer, choice: number) => {
        client.write(bytes.subarray(0, choice % bytes.length));
        client.write(bytes.subarray(choice % bytes.length));
      };
      const finish = (choice: number, refuse: boolean) => {
        const open = calls.filter((call) => !call.ended && call.request.kind === 'request');
        const call = open[choice % open.length];
        if (call === undefined) return;
        call.ended = true;
        const answer = `answer to ${payloadOf(call.request)}`;
        if (refuse) call.sink.fail(new Failure('RATE_LIMITED', { reason: answer }));
        else call.sink.reply(new Reply(message('response', answer, choice)));
      };
      for (const [step, choice] of script) {
        if (step === 'ask') {
          const id = asked++;
          write(frame(KIND.request, 0, id, `call ${id} ${'x'.repeat(choice)}`), choice);
        }
        if (step === 'oneway') write(frame(KIND.oneway, 0, 0, 'one way'), choice);
        if (step === 'ping') write(frame(KIND.ping, 0, 0, ''), choice);
        if (step === 'reply' || step === 'refuse') finish(choice, step === 'refuse');
        if (step === 'deaf') client.pause();
        if (step === 'listen') client.resume();
        if (step === 'turn') await turn();
        for (const call of calls) {
          if (call.request.kind !== 'oneway' || call.ended) continue;
          call.ended = true;
          call.sink.reply(new Reply(undefined));
        }
      }
      client.resume();
      if (ending === 'end') {
        client.end();
        // All are read and answered, however many at a time.
        for (let left = 300; left > 0 && !server.destroyed; left--) {
          await turn();
          for (const call of calls) {
            if (call.request.kind !== 'oneway' || call.ended) continue;
            call.ended = true;
            call.sink.reply(new Reply(undefined));
          }
          finish(left, false);
        }
        expect(got.length).toBe(asked);
        expect(calls.every((call) => call.ended && call.cancelled === 0)).toBe(true);
      } else {
        if (ending === 'destroy') client.destroy();
        if (ending === 'garbage') client.write('garbage');
        if (ending === 'evict') downstream.close('told to');
        await turn();
        await turn();
        void downstream.drain(100);
        client.end();
        await runtime.advanceAsync(10_000);
      }
      await downstream.closed;
      const requests = calls.filter((call) => call.request.kind === 'request');
      expect(requests.map((call) => payloadOf(call.request).split(' ')[1])).toEqual(requests.map((_, i) => String(i)));
      const waitedFor = (call: (typeof calls)[number]) => !call.ended && call.request.kind === 'request';
      expect(calls.every((call) => call.cancelled === (waitedFor(call) ? 1 : 0))).toBe(true);
      if (ordered) {
        const order = got.map((payload) => Number(/call (\d+)/.exec(payload)![1]));
        expect(order).toEqual(order.map((_, i) => i));
      }
      expect(new Set(got).size).toBe(got.length);
      expect([downstream.inFlight, budget.usedBytes, runtime.pending]).toEqual([0, 0, 0]);
    }),
    { numRuns: 200 },
  );
});
