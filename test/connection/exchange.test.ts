import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Exchange, ExchangeList } from '../../src/connection/downstream/exchange.js';
import { message } from './support/frame-protocol.js';

test('ExchangeList keeps its order, whatever leaves from where', () => {
  const owner = { answered() {}, failed() {} };
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat())), (steps) => {
      const list = new ExchangeList();
      const model: Exchange[] = [];
      for (const [add, choice] of steps) {
        if (add || model.length === 0) {
          const exchange = new Exchange(owner, message('request', 'x'));
          list.push(exchange);
          model.push(exchange);
        } else {
          list.remove(model.splice(choice % model.length, 1)[0]!);
        }
        expect(list.length).toBe(model.length);
        expect(list.first === model[0]).toBe(true);
      }
      const seen: Exchange[] = [];
      list.clear((exchange) => seen.push(exchange));
      expect(seen.every((exchange, i) => exchange === model[i])).toBe(true);
      expect([seen.length, list.length]).toEqual([model.length, 0]);
    }),
  );
});
