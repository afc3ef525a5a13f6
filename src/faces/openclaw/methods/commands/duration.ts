const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** A time span in its two largest units, such as `3 h 12 min`. */
export function duration(ms: number): string {
  const from = UNITS.findIndex(([, unitMs]) => ms >= unitMs);
  if (from === -1) return "0 s";
  let rest = ms;
  const parts = UNITS.slice(from, from + 2).flatMap(([unit, unitMs]) => {
    const count = Math.floor(rest / unitMs);
    rest -= count * unitMs;
    return count > 0 ? [`${count} ${unit}`] : [];
  });
  return parts.join(" ");
}
