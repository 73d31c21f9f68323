import { spawnSync } from 'node:child_process';

/** Why the kit cannot be used here: the first command that does not run; undefined: all do. */
export function missing(...commands) {
  const command = commands.find(([tool, ...args]) => spawnSync(tool, args, { stdio: 'ignore' }).status !== 0);
  return command && `'${command.join(' ')}' does not run here`;
}

/** Did a build fail because a registry could not be reached? */
export function isOffline(stderr) {
  return /Could not (transfer|resolve)|Unknown host|Connection (refused|timed out)|dial tcp|i\/o timeout|Failed to establish a new connection|No matching distribution found|Name or service not known/.test(
    stderr,
  );
}
