/**
 * The name that was perhaps meant, for messages to people: the nearest one by Levenshtein's distance, if at most two
 * letters differ and they are fewer than half of it.
 */
export function nearest(written: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = 3;
  for (const name of names) {
    if (Math.abs(name.length - written.length) >= least) continue;
    const apart = distance(written, name);
    if (apart < least && apart * 2 < name.length) {
      best = name;
      least = apart;
    }
  }
  return best;
}

/** Letters to add, take away or replace; one row of the table at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
