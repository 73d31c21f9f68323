import { expect, test } from '@jest/globals';
import { demoService, world } from './support.js';

test("Istio's default balancer spreads calls that are made one after the other", async () => {
  const { mesh, server, call } = world(demoService.replace('simple: ROUND_ROBIN', 'simple: LEAST_REQUEST'));
  server('10.0.0.1');
  server('10.0.0.2');
  const answers = new Map<string, number>();
  for (let i = 0; i < 100; i++) {
    const answer = await call();
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }
  // 100 draws at one half: six standard deviations.
  for (const count of answers.values()) expect(count).toBeGreaterThan(20);
  expect(answers.size).toBe(2);
  await mesh.close();
});
