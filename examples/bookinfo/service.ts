import type { Mesh, Message } from 'meltemi';
import { awesomerpc } from 'meltemi/awesomerpc';
import { startMesh } from 'meltemi/node';
import { firstValueFrom } from 'rxjs';

/** What is asked of BookInfo's services: the value of `cmd`. */
export const COMMAND = { reviews: 1, ratings: 2 } as const;
export const PORT = 9080;

/**
 * One of BookInfo's services as a process: a mesh with the rules of the folder, and what answers its requests. Prints one
 * line of JSON with its port when it is ready, and ends with its standard input.
 */
export async function runService(
  rules: string,
  answer: (request: Message, mesh: Mesh) => Promise<string>,
): Promise<void> {
  const mesh = await startMesh({ rules, protocols: ['awesomerpc'] });
  await mesh.ready();
  const handler = async (request: Message) => awesomerpc.message('response', {}, await answer(request, mesh));
  const { port } = await mesh.serve({ port: 0, protocol: 'awesomerpc', handler });
  console.log(JSON.stringify({ ready: true, port }));
  process.stdin.resume().once('end', () => void mesh.close({ drainMs: 0 }).then(() => process.exit()));
}

/** Asks another service for something, in the name of a user. */
export async function ask(mesh: Mesh, host: string, cmd: number, user: string): Promise<string> {
  const request = awesomerpc.message('request', { version: 1, cmd, user });
  const { message } = await firstValueFrom(mesh.call({ host, port: PORT }, request));
  return String(Buffer.concat(awesomerpc.body(message!)));
}
