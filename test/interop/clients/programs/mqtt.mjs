import { once } from 'node:events';
import mqtt from 'mqtt';
import { digest, host, noise, port, refusing, step, told } from './step.cjs';

const url = `mqtt://${host}:${port}`;
const client = await mqtt.connectAsync(url, { protocolVersion: 5 });
const topic = `demo/${process.pid}`;
const large = noise(5 << 20);

await step('publish and subscribe, QoS 0 to 2', async () => {
  await client.subscribeAsync(`${topic}/#`, { qos: 2 });
  const seen = [];
  const all = new Promise((resolve) => {
    client.on('message', (name, payload, { qos }) => {
      seen.push([name.slice(topic.length), String(payload), qos]);
      if (seen.length === 30) resolve();
    });
  });
  await Promise.all(Array.from({ length: 30 }, (_, i) => client.publishAsync(`${topic}/${i}`, `${i}`, { qos: i % 3 })));
  await all;
  client.removeAllListeners('message');
  return seen.sort();
});
await step('5 MiB', async () => {
  const message = once(client, 'message');
  await client.publishAsync(`${topic}/large`, large, { qos: 1 });
  return digest((await message)[1]);
});
await step('retained', async () => {
  await client.publishAsync(`${topic}/kept`, 'kept', { retain: true, qos: 1 });
  const late = await mqtt.connectAsync(url);
  const message = once(late, 'message');
  await late.subscribeAsync(`${topic}/kept`);
  const [, payload, packet] = await message;
  await late.endAsync();
  return [String(payload), packet.retain];
});
await step('last will', async () => {
  await client.subscribeAsync(`${topic}/will`);
  const mortal = await mqtt.connectAsync(url, {
    will: { topic: `${topic}/will`, payload: 'gone' },
    reconnectPeriod: 0,
  });
  const message = new Promise((resolve) => {
    client.on('message', (name, payload) => name.endsWith('/will') && resolve(String(payload)));
  });
  mortal.stream.destroy(); // without saying good-bye
  return message;
});
await step('keep-alive', async () => {
  const lively = await mqtt.connectAsync(url, { keepalive: 1 });
  const packet = await new Promise((resolve) => {
    lively.on('packetreceive', ({ cmd }) => cmd === 'pingresp' && resolve(cmd));
  });
  await lively.endAsync();
  return packet;
});
await step('server error', async () => {
  // A topic with a wildcard: the server closes the connection.
  const rude = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
  const closed = once(rude, 'close');
  rude.stream.write(Buffer.from([0x30, 0x05, 0x00, 0x03, 0x61, 0x2f, 0x23]));
  await closed;
  return 'closed';
});
await step('connection refused', async () => {
  const nobody = mqtt.connect(`mqtt://${host}:${refusing}`, { reconnectPeriod: 0 });
  const [error] = await once(nobody, 'error');
  nobody.end();
  return told(error);
});
await step('end', async () => void (await client.endAsync()));
