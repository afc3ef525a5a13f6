/**
 * The highest rung of a ladder that carries, provided that all rungs below one that carries do too; undefined if none does.
 * Bisects, or climbs rung by rung from where it was found before.
 */
export async function highestRung(
  rungs: number,
  before: number | undefined,
  carries: (rung: number) => Promise<boolean>,
): Promise<number | undefined> {
  let low = 0;
  let high = rungs - 1;
  let next = before ?? (low + high) >> 1;
  let found: number | undefined;
  while (low <= high) {
    if (await carries(next)) {
      found = next;
      low = next + 1;
    } else high = next - 1;
    const step = found === undefined || found < next ? high : low;
    next = before === undefined ? (low + high) >> 1 : Math.min(high, Math.max(low, step));
  }
  return found;
}
