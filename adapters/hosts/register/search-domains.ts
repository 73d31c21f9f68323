import { readFileSync } from 'node:fs';

/** How the system completes short names. */
export interface SearchDomains {
  readonly domains: readonly string[];
  /** Names with fewer dots are completed. */
  readonly dots: number;
}

/** As many as resolvers read. */
const MAX_DOMAINS = 32;
const MAX_DOTS = 15;

/**
 * Of the system's `resolv.conf`: in a pod of Kubernetes `demo` is `demo.<namespace>.svc.cluster.local` by it, and rules know
 * the whole name only. None where there is no such file.
 */
export function systemSearchDomains(path = '/etc/resolv.conf'): SearchDomains {
  try {
    return searchDomainsOf(readFileSync(path, 'utf8'));
  } catch {
    return { domains: [], dots: 1 };
  }
}

/** The last `search` or `domain` line holds, and the last `ndots` of all options. */
export function searchDomainsOf(text: string): SearchDomains {
  let domains: readonly string[] = [];
  let dots = 1;
  for (const line of text.split('\n')) {
    const [key, ...values] = line.trim().split(/\s+/);
    if (key === 'search' || key === 'domain') domains = values.slice(0, MAX_DOMAINS);
    if (key !== 'options') continue;
    for (const value of values) {
      const [, count] = /^ndots:(\d+)$/.exec(value) ?? [];
      if (count !== undefined) dots = Math.min(Number(count), MAX_DOTS);
    }
  }
  return { domains, dots };
}

/** The names that may be meant by one that a client uses, in the order in which they are looked for. */
export function* namesMeant(written: string, { domains, dots }: SearchDomains): Generator<string> {
  const whole = written.endsWith('.');
  const name = (whole ? written.slice(0, -1) : written).toLowerCase();
  if (name !== written) yield name;
  if (whole || name.split('.').length > dots) return;
  for (const domain of domains) yield `${name}.${domain}`;
}
