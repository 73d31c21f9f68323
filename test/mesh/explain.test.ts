import { expect, test } from '@jest/globals';
import type { Protocol } from '../../src/index.js';
import { demoService, frames, world } from './support.js';

test('explains the service that a call would choose where several share an address', async () => {
  const at = demoService.replace('hosts:', 'addresses: [10.9.9.9]\n  hosts:');
  const other = at.replaceAll('name: demo,', 'name: other,').replaceAll('demo.test', 'other.test');
  const protocol: Protocol = { ...frames, serviceKeys: (request) => [request.get('payload') ?? ''] };
  const { mesh } = world(`${at}---${other}`, { protocols: [protocol] });
  await mesh.ready();
  for (const host of ['demo.test', 'other.test']) {
    const decision = mesh.explain({ host: '10.9.9.9', port: 9000 }, { payload: host });
    expect(decision).toMatchObject({ service: `${host}:9000`, protocol: 'frame' });
  }
  await mesh.close();
});
