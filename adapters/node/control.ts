import { basename, resolve } from 'node:path';
import type { Mesh, MeshNode, MeshStatus } from '../../src/index.js';
import type { Control } from '../control/index.js';
import type { LoadedConfig } from './config.js';

export type { Control };

/** What a process is, for people who see several. */
export interface ProcessRole {
  readonly program: string;
  /** The process that started it, and tells of it. */
  readonly parent?: number;
}

/** What `GET /status` of a control socket answers. */
export interface ProcessStatus extends MeshStatus {
  /** Of this form. A tool of another version says so instead of misreading it. */
  readonly format: 1;
  readonly process: ProcessRole & { readonly pid: number; readonly uptimeMs: number };
  readonly node: MeshNode;
}

/** What it answers of a process that has no mesh itself, but workers that have. */
export interface WorkersStatus extends Pick<ProcessStatus, 'format' | 'process' | 'node'> {
  /** In order; undefined: is being started anew, or does not answer. */
  readonly workers: readonly (ProcessStatus | undefined)[];
}

/**
 * Opens the control socket that a configuration asks for, until the mesh is closed. Without it the mesh is as good: why
 * it cannot be had is told, and nothing fails.
 * @returns its path, if it is open
 */
export async function openMeshControl(
  mesh: Mesh,
  config: LoadedConfig,
  warn: (line: string) => void,
  role?: ProcessRole,
): Promise<string | undefined> {
  const control = await openStatus(() => statusOf(mesh, config.node as MeshNode, role), config, warn);
  if (control !== undefined) void mesh.closed.then(() => control.close());
  return control?.path;
}

/** The same with a status of one's own. */
export async function openStatus(
  status: () => unknown,
  { control, directory }: Pick<LoadedConfig, 'control' | 'directory'>,
  warn: (line: string) => void,
): Promise<Control | undefined> {
  if (control === false) return undefined;
  const { openControl } = await import('../control/index.js');
  const path = control === true ? undefined : resolve(directory, control);
  try {
    return await openControl(new Map([['/status', status]]), path);
  } catch (error) {
    warn(`there is no control socket: ${(error as Error).message}`);
    return undefined;
  }
}

export function statusOf(mesh: Mesh, node: MeshNode, role: ProcessRole = { program: ownProgram() }): ProcessStatus {
  return { format: 1, process: processOf(role), node, ...mesh.status };
}

export function processOf(role: ProcessRole): ProcessStatus['process'] {
  return { pid: process.pid, ...role, uptimeMs: Math.round(process.uptime() * 1000) };
}

/** File name of the program. */
function ownProgram(): string {
  const [, program] = process.argv;
  return program === undefined ? 'node' : basename(program);
}
