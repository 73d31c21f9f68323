import { syncBuiltinESMExports } from 'node:module';
import type { Mesh } from '../../../src/index.js';
import { Destinations } from './destinations.js';
import { type GovernedPort, installInbound } from './inbound.js';
import { installLookup } from './lookup.js';
import { installOutbound } from './outbound.js';
import type { Patch } from './patch.js';
import { systemSearchDomains } from './search-domains.js';

export interface InstallParts {
  readonly mesh: Mesh;
  readonly warn: (message: string) => void;
  readonly governing?: (port: GovernedPort) => void;
}

/**
 * Puts a mesh between this process and the network. What was imported by name before sees it too.
 * @returns undoes it, for connections to come
 */
export function install({ mesh, warn, ...rest }: InstallParts): Patch {
  const destinations = new Destinations(mesh, systemSearchDomains());
  const patches: readonly Patch[] = [
    installOutbound({ mesh, destinations, warn }),
    installLookup(destinations),
    installInbound({ mesh, warn, ...rest }),
  ];
  syncBuiltinESMExports();
  return {
    undo() {
      for (const each of patches) each.undo();
      syncBuiltinESMExports();
    },
  };
}
