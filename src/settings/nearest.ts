/*
 * Spelling help: finds the name that was probably meant. The distance counts single letters inserted, left out or replaced, and
 * swapped neighbours (optimal string alignment), ignoring case. Names are short, so each call needs only three rows of numbers.
 */

/** How much a name of `length` letters may differ and still be suggested. */
function tolerance(length: number): number {
  return length <= 3 ? 1 : length <= 7 ? 2 : 3;
}

/** The name nearest to `name`, first of all itself in another case; undefined if none is near. The beginning of a name counts as near. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = tolerance(wanted.length) + 1;
  for (const candidate of names) {
    const lower = candidate.toLowerCase();
    const begins = wanted.length >= 2 && (lower.startsWith(wanted) || lower.endsWith(`.${wanted}`));
    const away = lower === wanted ? 0 : begins ? 1 : distance(wanted, lower);
    if (away < bestDistance) {
      bestDistance = away;
      best = candidate;
    }
  }
  return best;
}

function distance(a: string, b: string): number {
  let before: number[] = [];
  let above: number[] = [];
  let row: number[] = [];
  for (let j = 0; j <= b.length; j++) above.push(j);
  for (let i = 1; i <= a.length; i++) {
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(replaced, above[j] + 1, row[j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2] + 1);
      row[j] = least;
    }
    const spare = before;
    before = above;
    above = row;
    row = spare;
  }
  return above[b.length];
}
