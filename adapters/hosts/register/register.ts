/**
 * `node --import meltemi/register app.js`: the mesh of a process whose code knows nothing of one. It is configured by the
 * environment; `docs/preload.md` has the variables. When this is imported the app has not run yet: the rules are there, and the
 * process's sockets are the mesh's, before its first line is.
 */
import type { Mesh } from '../../../src/index.js';
import { isOwnProgram } from './own-program.js';
import { isSwitchedOn } from './switches.js';

const started =
  isSwitchedOn(process.env.MELTEMI_DISABLED) || isOwnProgram()
    ? undefined
    : await import('./start.js').then(({ start }) => start(process.env));

/** The mesh of this process. Undefined: it is turned off, there are no rules, it could not be set up, or the program is `meltemi` itself. */
export const mesh: Mesh | undefined = started?.mesh;

/**
 * Puts back what was replaced, for connections to come, and closes the mesh: those that are open may finish their calls within
 * `drainMs`.
 * @param options.drainMs - defaults to 10,000
 */
export async function uninstall(options: { readonly drainMs?: number } = {}): Promise<void> {
  started?.installed.undo();
  await started?.mesh.close(options);
}
