import { asArray, asObject, asString, type JsonObject } from "../core/kernel/json.ts";
import type { TokenCounts } from "../core/usage/usage.ts";

type Counts = Readonly<Record<keyof TokenCounts, number>>;

/** Iterations that the top-level figures include. They exclude compaction and advisors. */
const IN_THE_TOP: ReadonlySet<string | undefined> = new Set(["message", "fallback_message"]);

const NAMES = ["inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", "reasoningTokens"] as const;

/**
 * What `usage.iterations` bills in addition to the top-level figures, `top`. All iterations are billed, but the top level
 * leaves out compaction, advisors and answers that a fallback replaced
 * (Anthropic, "Compaction", https://platform.claude.com/docs/en/build-with-claude/compaction).
 *
 * `countsOf` reads one entry. Undefined without a list.
 */
export function besideTheTop(
  usage: JsonObject,
  top: TokenCounts,
  countsOf: (entry: JsonObject) => TokenCounts,
): Counts | undefined {
  const entries = asArray(usage.iterations).map((entry) => asObject(entry) ?? {});
  if (entries.length === 0) return undefined;
  const counts = entries.map(countsOf);
  const isCounted = entries.some(({ type }) => IN_THE_TOP.has(asString(type)));
  const beside = (name: keyof TokenCounts): number => {
    const sum = counts.reduce((total, count) => total + (count[name] ?? 0), 0);
    return isCounted ? Math.max(0, sum - (top[name] ?? 0)) : sum;
  };
  return Object.fromEntries(NAMES.map((name) => [name, beside(name)])) as Counts;
}
