/** Port names as Aeraki reads them: `<anything>-metaprotocol-<protocol>[-<anything>]`. */

/** The second token decides, in any letter case. */
export function isMetaprotocol(portName: string): boolean {
  return portName.split('-')[1]?.toLowerCase() === 'metaprotocol';
}

/** The third token, case-sensitive; undefined if the port is none of ours or names no protocol. */
export function protocolOf(portName: string): string | undefined {
  return isMetaprotocol(portName) ? portName.split('-')[2] || undefined : undefined;
}

/** Names without a dot are of the object's own namespace. The suffix is fixed, as upstream. */
export function expandHost(host: string, namespace: string): string {
  return host.includes('.') ? host : `${host}.${namespace}.svc.cluster.local`;
}
