import { type Observable, Subject } from 'rxjs';
import type { AdoptionChange, Follower, RuleStore } from '../rules/index.js';
import type { Work } from '../runtime/index.js';
import type { Logger } from '../telemetry/index.js';
import type { Clusters } from './clusters.js';
import type { Placements } from './placement/index.js';
import type { Services } from './services.js';
import { tellRules } from './tell.js';

export interface RuleChangesParts {
  readonly store: RuleStore;
  readonly clusters: Clusters;
  readonly services: Services;
  readonly placements: Placements;
  readonly logger: Logger;
}

/** What a change of the rules in force means for calls: the order in which the mesh's parts take part in it. */
export class RuleChanges implements Follower<AdoptionChange> {
  private readonly adoptions = new Subject<AdoptionChange>();
  private readonly versions = new Subject<string>();

  /** Each change, as it comes into force. */
  readonly changes: Observable<AdoptionChange> = this.adoptions.asObservable();
  /** Content versions of the rules that calls obey, from this moment on. */
  readonly obeyed: Observable<string> = this.versions.asObservable();

  constructor(private readonly parts: RuleChangesParts) {}

  *stage(change: AdoptionChange): Work {
    const { store, clusters, services } = this.parts;
    yield* clusters.stage(change);
    yield* services.stage(change);
    if (this.versions.observed) yield* store.name();
  }

  commit(change: AdoptionChange): void {
    const { store, clusters, services, placements } = this.parts;
    services.commit(change, clusters.commit());
    placements.changed();
    this.adoptions.next(change);
    if (!this.versions.observed) return;
    if (change.services.size + change.clusters.size + change.endpoints.size > 0) this.versions.next(store.version);
  }

  *settle(change: AdoptionChange): Work {
    const { store, clusters, services, logger } = this.parts;
    yield* tellRules(change, store, logger);
    yield* services.settle(change);
    yield* clusters.settle();
  }

  close(): void {
    this.adoptions.complete();
    this.versions.complete();
  }
}
