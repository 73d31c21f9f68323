import { basename, resolve } from 'node:path';
import type { Mesh, MeshNode, MeshStatus } from '../../src/index.js';
import type { LoadedConfig } from './config.js';

/** What `GET /status` of a control socket answers. */
export interface ProcessStatus extends MeshStatus {
  /** Of this form. A tool of another version says so instead of misreading it. */
  readonly format: 1;
  readonly process: {
    readonly pid: number;
    /** File name of the program. */
    readonly program: string;
    readonly uptimeMs: number;
  };
  readonly node: MeshNode;
}

/**
 * Opens the control socket that a configuration asks for, until the mesh is closed. Without it the mesh is as good: why
 * it cannot be had is told, and nothing fails.
 */
export async function openMeshControl(mesh: Mesh, config: LoadedConfig, warn: (line: string) => void): Promise<void> {
  const { control, directory, node } = config;
  if (control === false) return;
  const { openControl } = await import('../control/index.js');
  const status = () => statusOf(mesh, node as MeshNode);
  const path = control === true ? undefined : resolve(directory, control);
  await openControl(new Map([['/status', status]]), path).then(
    (opened) => void mesh.changes.subscribe({ complete: () => opened.close() }),
    (error: Error) => warn(`there is no control socket: ${error.message}`),
  );
}

function statusOf(mesh: Mesh, node: MeshNode): ProcessStatus {
  const { pid, argv } = process;
  const program = argv[1] === undefined ? 'node' : basename(argv[1]);
  return { format: 1, process: { pid, program, uptimeMs: Math.round(process.uptime() * 1000) }, node, ...mesh.status };
}
