import type { Usage } from "../../../protocol/stream.ts";

/** What a provider reported so far. `inputTokens` includes cached parts, `outputTokens` includes reasoning. */
export interface TokenCounts {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly cacheReadTokens?: number | undefined;
  readonly cacheWriteTokens?: number | undefined;
  readonly reasoningTokens?: number | undefined;
}

/**
 * A later report replaces earlier figures one by one: providers repeat cumulative counts, null ones are left out. A zero
 * replaces none, because such counts do not fall to nothing: it stands for "not counted here".
 */
export function mergeCounts(before: TokenCounts, report: TokenCounts): TokenCounts {
  const merged: Record<string, number | undefined> = { ...before };
  for (const [name, count] of Object.entries(report)) {
    if (count !== undefined && (count > 0 || !merged[name])) merged[name] = count;
  }
  return merged;
}

/** Rule of thumb of the vendors' own documents: about four characters a token in English text. */
export const estimateTokens = (characters: number): number => Math.ceil(characters / 4);

/**
 * The usage of a stream at its end. Exact when the provider gave input and output and the stream was whole, or when the
 * provider was never asked or refused: then it is nothing. Whatever else was sent may be charged, whoever gave it up and
 * when: what is missing of it is estimated from the characters seen.
 */
export function settleUsage(stream: {
  readonly counts: TokenCounts;
  readonly whole: boolean;
  /** As `UpstreamCall` says it. */
  readonly sent: boolean;
  /** Of an answer that nobody understands no tokens can be told. */
  readonly readable: boolean;
  readonly inputCharacters: number;
  readonly outputCharacters: number;
}): Usage {
  const { counts } = stream;
  // Zeros beside something that was seen are no figures: some providers send them in place of a count.
  const hasInput = counts.inputTokens !== undefined && (counts.inputTokens > 0 || stream.inputCharacters === 0);
  const hasOutput = counts.outputTokens !== undefined && (counts.outputTokens > 0 || stream.outputCharacters === 0);
  if (hasInput && hasOutput && stream.whole) return { ...counts, source: "exact" };
  if (!stream.sent) return { source: "exact", inputTokens: 0, outputTokens: 0 };
  if (!stream.readable) return { source: "unknown" };
  return {
    ...counts,
    source: "estimated",
    inputTokens: counts.inputTokens || estimateTokens(stream.inputCharacters),
    outputTokens:
      hasOutput && stream.whole
        ? counts.outputTokens
        : // A cumulative count from before the cut may lag behind the text that was seen.
          Math.max(counts.outputTokens ?? 0, estimateTokens(stream.outputCharacters)),
  };
}
