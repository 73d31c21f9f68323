import type { NameResolver } from '../cluster/index.js';
import type { ConnectionOptions, TransportSocket } from '../connection/index.js';
import type { Protocol } from '../message/index.js';
import type { Interceptor } from '../pipeline/index.js';
import type { EngineOptions, WorkersOptions } from '../policy/index.js';
import type { LastGoodStore, PolicyOverride, RuleSource } from '../rules/index.js';
import type { Runtime } from '../runtime/index.js';
import type { AccessLogOptions, Logger, Shown } from '../telemetry/index.js';
import type { PlacementOptions } from './placement/index.js';

/** Who this process is: selects the services it serves and the rules meant for it. */
export interface MeshNode {
  readonly id?: string;
  /** @defaultValue 'default' */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly addresses?: readonly string[];
  readonly locality?: string;
}

/** The parts that a mesh is made of. Everything but sources and protocols has a default. */
export interface MeshOptions extends PlacementOptions {
  /** Where rules come from. Several may overlap: the higher precedence wins, key by key. */
  readonly sources: readonly RuleSource[];
  /**
   * Where good rules outlive the process: at the next start they serve while sources connect. Of sources that are not
   * `local`. `lastGoodFiles` of `meltemi/spi` keeps them on disk. @defaultValue nowhere
   */
  readonly lastGood?: LastGoodStore;
  /** What can be decoded. A service whose port names another protocol is refused by name. */
  readonly protocols: readonly Protocol[];
  /**
   * Rules that need an engine which isn't here are refused when they are loaded, by name. One that is given as a function is
   * loaded when a rule first asks for it.
   */
  readonly engines?: EngineOptions;
  readonly interceptors?: readonly Interceptor[];
  /** Policies set in code, over what rules say. */
  readonly policies?: readonly PolicyOverride[];
  readonly node?: MeshNode;
  /** `observe`: every decision is made and recorded, none enforced. @defaultValue 'enforce' */
  readonly mode?: 'enforce' | 'observe';
  /** How long calls are held at the start until the sources are in sync. @defaultValue 10,000 ms */
  readonly initialTimeoutMs?: number;
  readonly connections?: ConnectionOptions;
  /**
   * Processes that share the limits of rules with this one: rates, requests and retries under way, connections. Each takes
   * a part; `meltemi plan` shows it. @defaultValue this one alone
   */
  readonly workers?: WorkersOptions;
  /** What carries bytes to upstreams: another for tests without sockets. @defaultValue TCP */
  readonly transport?: TransportSocket;
  /**
   * What turns names of endpoints into addresses; each address is balanced over.
   * @defaultValue the system's, with the name servers' TTL; none beside a transport of your own, which gets the names
   */
  readonly names?: NameResolver;
  /** @defaultValue warnings and errors to stderr */
  readonly logger?: Logger;
  /** A line for each call. @defaultValue none */
  readonly accessLog?: Omit<AccessLogOptions, 'runtime'>;
  /** What is kept of the attributes of failed and slow calls, for `mesh.records`. @defaultValue nothing */
  readonly recorded?: Shown;
  /** For tests. @defaultValue the system's clock, timers and randomness */
  readonly runtime?: Runtime;
}

/** Where `mesh.listen` listens, and for which service. */
export interface ListenOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** @defaultValue '127.0.0.1' */
  readonly host?: string;
  /** `<host>:<port>` of the service that clients of this port mean. */
  readonly service: string;
}
