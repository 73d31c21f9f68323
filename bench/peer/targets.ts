import type { LegFigures } from './measure.js';
import type { CaseFigures } from './report.js';

/** What is promised, held against a run. */
export interface Verdict {
  readonly what: string;
  readonly ok: boolean;
  readonly figures: string;
}

/** Added p50 of a leg in a case, and how finely the case can tell. */
interface Added {
  readonly us: number;
  readonly noise: number;
}

export function verdictsOf(cases: readonly CaseFigures[]): Verdict[] {
  return cases.flatMap((figures) => {
    const { size, callers } = figures;
    const verdicts: (Verdict | undefined)[] = [];
    if (callers === 1 && size === 1024) {
      for (const leg of ['call', 'connect', 'preload']) verdicts.push(below(figures, leg, 'envoy', 20));
      for (const leg of ['calls', 'preloads']) verdicts.push(below(figures, leg, 'envoys', 40));
    }
    if (callers === 1) verdicts.push(nearDirect(figures, 'preload', size > 10_000 ? 0.15 : 0.05));
    verdicts.push(...['sidecar', 'sidecars'].map((it) => notAbove(figures, it, it === 'sidecar' ? 'envoy' : 'envoys')));
    return verdicts.filter((it) => it !== undefined);
  });
}

function below(of: CaseFigures, leg: string, envoy: string, times: number): Verdict | undefined {
  const [ours, theirs] = [addedP50(of, leg), addedP50(of, envoy)];
  if (ours === undefined || theirs === undefined) return undefined;
  // What is within the noise may be anything up to it.
  const ratio = theirs.us / Math.max(ours.us, ours.noise);
  const atLeast = ours.us < ours.noise ? 'at least ' : '';
  const figures = `${us(ours.us)} against ${us(theirs.us)}: ${atLeast}${ratio.toFixed(1)} ×, noise ${us(ours.noise)}`;
  return { what: `${nameOf(of)}: ${leg} adds ${times} × less to p50 than ${envoy}`, ok: ratio >= times, figures };
}

/** By 2.5 µs at most where the bodies are small. */
function nearDirect(of: CaseFigures, leg: string, share: number): Verdict | undefined {
  const added = addedP50(of, leg);
  const direct = figuresOf(of, 'direct');
  if (added === undefined || direct === undefined) return undefined;
  const limit = of.size > 10_000 ? direct.p50 * share : Math.max(direct.p50 * share, 2.5);
  const figures = `${us(added.us)} of ${us(limit)}, noise ${us(added.noise)}`;
  return { what: `${nameOf(of)}: ${leg} within its share of direct at p50`, ok: added.us <= limit, figures };
}

function notAbove(of: CaseFigures, leg: string, envoy: string): Verdict | undefined {
  const [ours, theirs] = [figuresOf(of, leg), figuresOf(of, envoy)];
  if (ours === undefined || theirs === undefined) return undefined;
  const figures = `${us(ours.cpu)} against ${us(theirs.cpu)}`;
  return { what: `${nameOf(of)}: ${leg} not above ${envoy} in CPU a call`, ok: ours.cpu <= theirs.cpu, figures };
}

function addedP50(of: CaseFigures, leg: string): Added | undefined {
  const [own, direct, again] = [figuresOf(of, leg), figuresOf(of, 'direct'), figuresOf(of, 'again')];
  if (own === undefined || direct === undefined) return undefined;
  return { us: own.p50 - direct.p50, noise: again === undefined ? 0 : Math.abs(again.p50 - direct.p50) };
}

function figuresOf({ legs }: CaseFigures, id: string): LegFigures | undefined {
  return legs.find((it) => it.leg === id);
}

function nameOf({ protocol, size, callers }: CaseFigures): string {
  return `${protocol} ${size} B × ${callers}`;
}

function us(value: number): string {
  return `${value.toFixed(1)} µs`;
}
