/**
 * Whether an endpoint wants mTLS. Istio labels workloads that have a proxy, which takes mTLS; a PeerAuthentication says
 * what it insists on: STRICT makes it want mTLS, DISABLE makes it plain, PERMISSIVE leaves it as labelled, since what
 * would take mTLS is not downgraded. The port counts over the workload, the workload over the namespace, the namespace
 * over the mesh; UNSET asks the next; of several at one level the oldest counts.
 */
import type { EndpointRule } from '../../../../src/rules/index.js';
import type { PeerAuthentication } from '../kinds/peer-authentication.js';
import type { Context } from './context.js';
import { hasLabels, type Labels } from './workloads.js';

/** Where a PeerAuthentication without a selector holds for the whole mesh. */
const ROOT_NAMESPACE = 'istio-system';
const TLS_LABEL = 'security.istio.io/tlsMode';

type Mode = 'DISABLE' | 'PERMISSIVE' | 'STRICT';

export class TlsModes {
  /** Narrowest first. */
  readonly #all: readonly { readonly namespace: string; readonly spec: PeerAuthentication }[];

  constructor(context: Context) {
    const breadth = ({ namespace, spec }: { namespace: string; spec: PeerAuthentication }) =>
      spec.selector !== undefined ? 0 : namespace !== ROOT_NAMESPACE ? 1 : 2;
    this.#all = [...context.all<PeerAuthentication>('PeerAuthentication')].sort((a, b) => breadth(a) - breadth(b));
  }

  of(namespace: string, labels: Labels, port: number): EndpointRule['tlsMode'] {
    const mode = this.#mode(namespace, labels, port);
    if (mode === 'STRICT') return 'istio';
    if (mode === 'DISABLE') return 'disabled';
    return labels[TLS_LABEL] === 'istio' ? 'istio' : undefined;
  }

  #mode(namespace: string, labels: Labels, port: number): Mode | undefined {
    for (const { namespace: own, spec } of this.#all) {
      const meshWide = own === ROOT_NAMESPACE && spec.selector === undefined;
      if (own !== namespace && !meshWide) continue;
      if (!hasLabels(labels, spec.selector?.matchLabels ?? {})) continue;
      // Ports are those of selected workloads; without a selector Istio does not read them.
      const ofPort = spec.selector === undefined ? undefined : spec.portLevelMtls?.[String(port)]?.mode;
      for (const mode of [ofPort, spec.mtls?.mode]) {
        if (mode !== undefined && mode !== 'UNSET') return mode;
      }
    }
    return undefined;
  }
}
