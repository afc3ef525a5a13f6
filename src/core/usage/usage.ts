import type { Usage } from "../../../protocol/stream.ts";

/** What a provider has reported so far. `inputTokens` includes cached input, `outputTokens` includes reasoning. */
export interface TokenCounts {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly cacheReadTokens?: number | undefined;
  readonly cacheWriteTokens?: number | undefined;
  readonly reasoningTokens?: number | undefined;
}

/**
 * Takes the larger of two reports, figure by figure: providers repeat cumulative counts, which never fall, and leave out or
 * send zeros for what they do not count in a report.
 */
export function mergeCounts(before: TokenCounts, report: TokenCounts): TokenCounts {
  const merged: Record<string, number | undefined> = { ...before };
  for (const [name, count] of Object.entries(report)) {
    if (count !== undefined) merged[name] = Math.max(merged[name] ?? 0, count);
  }
  return merged;
}

/** Rule of thumb of the vendors' own documents: about four characters a token in English text. */
export const estimateTokens = (characters: number): number => Math.ceil(characters / 4);

/** What is known of a stream at its end, as far as it tells its usage. */
export interface EndedStream {
  /** What the provider reported. */
  readonly counts: TokenCounts;
  /** Characters of the answer when the provider last reported its output; undefined when it never did. */
  readonly countedCharacters?: number | undefined;
  readonly whole: boolean;
  /** As `UpstreamCall` says it. */
  readonly sent: boolean;
  /** Of an answer that nobody understands no tokens can be told. */
  readonly readable: boolean;
  readonly inputCharacters: number;
  readonly outputCharacters: number;
}

/**
 * The usage of a stream at its end. `exact` are the provider's own figures of a whole stream, input and output, that
 * count all that was seen; and zeros where the provider was never asked or refused. Whatever else was sent may be charged:
 * what the provider did not count of it is estimated from the characters seen.
 */
export function settleUsage(stream: EndedStream): Usage {
  const { counts, countedCharacters = 0, inputCharacters, outputCharacters } = stream;
  const { inputTokens = 0, outputTokens = 0 } = counts;
  // Zeros beside something that was seen are no figures: some providers send them in place of a count. Nothing is
  // answered to an empty prompt, though the request may name one that is kept elsewhere.
  const isAnswered = outputTokens > 0 || outputCharacters > 0;
  const hasInput = inputTokens > 0 || (counts.inputTokens === 0 && inputCharacters === 0 && !isAnswered);
  const hasOutput =
    outputTokens > 0 ? countedCharacters >= outputCharacters : counts.outputTokens === 0 && outputCharacters === 0;
  if (hasInput && hasOutput && stream.whole) return { ...counts, source: "exact" };
  if (!stream.sent) return { source: "exact", inputTokens: 0, outputTokens: 0 };
  if (!stream.readable) return { source: "unknown" };
  const uncounted = Math.max(0, outputCharacters - countedCharacters);
  return {
    ...counts,
    source: "estimated",
    inputTokens: inputTokens || Math.max(isAnswered ? 1 : 0, estimateTokens(inputCharacters)),
    outputTokens:
      hasOutput && stream.whole
        ? outputTokens
        : Math.max(outputTokens + estimateTokens(uncounted), estimateTokens(outputCharacters)),
  };
}
