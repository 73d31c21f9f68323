/**
 * Where control sockets are, and that they are nobody else's. A socket lies in a folder that belongs to this user and is
 * closed to all others (0700), so that its own mode (0600) is a second lock and no moment of its making is open. A folder
 * that somebody else made first under the same name, as anybody may in /tmp, is refused; so is a link.
 */
import { lstat, mkdir, readdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `sun_path` less its final zero: 108 bytes on Linux, 104 on BSD and macOS. Longer ones would be cut without a word. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;
/** More sockets than anybody has meshes. */
const MAX_LISTED = 256;

/** A socket that answers. */
export interface ControlEntry {
  readonly pid: number;
  readonly path: string;
}

/**
 * `meltemi-<uid>` in the system's folder for temporary files (`TMPDIR`, else `/tmp`).
 * @throws Error - on Windows, which has no sockets that belong to their owner alone
 */
export function controlFolder(): string {
  return join(tmpdir(), `meltemi-${userId()}`);
}

/** @throws Error - the path is too long for a socket */
export function checkPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_PATH_BYTES) return;
  throw new Error(`${path} has ${bytes} bytes, and a socket's path at most ${MAX_PATH_BYTES}: choose a shorter one`);
}

/**
 * Makes the folder if it isn't there, in one that is.
 * @throws Error - it is no folder, or others than this user may enter it
 */
export async function ownFolder(path: string): Promise<void> {
  userId();
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await checkFolder(path);
}

/** @throws Error - there is no such folder, or others than this user may enter it */
export async function checkFolder(path: string): Promise<void> {
  const stats = await lstat(path);
  if (!stats.isDirectory()) throw new Error(`${path} is no folder`);
  if (stats.uid !== userId()) throw new Error(`${path} belongs to user ${stats.uid}, not to ${userId()}`);
  if ((stats.mode & 0o077) !== 0) throw new Error(`${path} is open to other users; it needs mode 0700`);
}

/** The sockets in {@link controlFolder} that answer, by pid. What processes that died left behind is cleared away. */
export async function listControls(folder = controlFolder()): Promise<readonly ControlEntry[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (names.length > 0) await checkFolder(folder);
  const entries = names
    .flatMap((name) => {
      const pid = /^(\d{1,10})(?:-\d+)?\.sock$/.exec(name)?.[1];
      return pid === undefined ? [] : [{ pid: Number(pid), path: join(folder, name) }];
    })
    .slice(0, MAX_LISTED)
    .sort((a, b) => a.pid - b.pid || (a.path < b.path ? -1 : 1));
  const alive = await Promise.all(entries.map(({ path }) => answers(path)));
  // One that is there and does not answer may be about to listen.
  const dead = entries.filter(({ pid }, index) => !alive[index] && !exists(pid));
  await Promise.all(dead.map(({ path }) => unlink(path).catch(() => undefined)));
  return entries.filter((_, index) => alive[index]);
}

/**
 * Does somebody listen there?
 * @throws Error - it cannot be told, as the socket is another user's
 */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // The last: it went just now.
      if (['ECONNREFUSED', 'ENOENT', 'ECONNRESET'].includes(error.code ?? '')) resolve(false);
      // Its queue is full: there is somebody.
      else if (error.code === 'EAGAIN') resolve(true);
      else reject(error);
    });
  });
}

/** Is there a process of this number, of whichever user? */
function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function userId(): number {
  const id = process.getuid?.();
  if (id === undefined) throw new Error('a control socket belongs to its user alone, which Windows cannot do');
  return id;
}
