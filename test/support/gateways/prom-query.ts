const KEYWORDS = new Set([
  "by",
  "without",
  "on",
  "ignoring",
  "group_left",
  "group_right",
  "and",
  "or",
  "unless",
  "bool",
  "offset",
]);

/** What a PromQL query reads: metrics, each with the labels that are matched, and labels that are grouped by. */
export function namesOf(query: string): {
  readonly metrics: ReadonlyMap<string, readonly string[]>;
  readonly grouped: readonly string[];
} {
  const metrics = new Map<string, readonly string[]>();
  const grouped = [...query.matchAll(/\b(?:by|without|on|ignoring|group_left)\s*\(([^)]*)\)/g)].flatMap(
    ([, list = ""]) =>
      list
        .split(",")
        .map((label) => label.trim())
        .filter((label) => label !== ""),
  );
  const bare = query.replace(/\b(?:by|without|on|ignoring|group_left)\s*\([^)]*\)/g, " ").replace(/\[[^\]]*\]/g, " ");
  for (const [, name = "", call, braces = ""] of bare.matchAll(/\b([a-zA-Z_:][\w:]*)\s*(\()?(\{[^}]*\})?/g)) {
    const inBraces = bare.replace(/\{[^}]*\}/g, (text) => " ".repeat(text.length));
    const isOutside = [...inBraces.matchAll(/\b([a-zA-Z_:][\w:]*)/g)].some(([, outside]) => outside === name);
    if (call !== undefined || KEYWORDS.has(name) || !isOutside) continue;
    const labels = [...braces.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label);
    metrics.set(name, [...(metrics.get(name) ?? []), ...labels]);
  }
  return { metrics, grouped };
}
