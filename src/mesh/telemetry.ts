import type { Outcome } from '../call/index.js';
import type { Cluster } from '../cluster/index.js';
import type { CallTelemetry, RoutedCall, Slots } from '../pipeline/index.js';
import type { ServiceRule } from '../rules/index.js';

/** Binds meters, events and the recorder to plans. */
export class MeshTelemetry {
  service(_rule: ServiceRule, _direction: 'outbound' | 'inbound'): CallTelemetry | null {
    return null;
  }

  attempts(_cluster: Cluster): Slots['attemptTelemetry'] {
    return null;
  }

  callEnded(_call: RoutedCall, _outcome: Outcome): void {}
}
