/** Writes and reads a Redis by npm's ioredis. Knows nothing of a mesh: `node redis.mjs HOST:PORT`. */
import { Redis } from 'ioredis';

const [host, port] = process.argv[2].split(':');
const redis = new Redis({ host, port: Number(port) });

await redis.set('lamp', 'x'.repeat(1_000_000));
console.log((await redis.get('lamp')).length);
const answers = await redis.pipeline().incr('sold').incr('sold').del('sold').exec();
console.log(answers.map(([, value]) => value).join(' '));
await redis.quit();
