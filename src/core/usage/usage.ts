import type { Usage } from "../../../protocol/stream.ts";

/** Tokens a provider has reported so far. `inputTokens` includes cached input, `outputTokens` includes reasoning. */
export interface TokenCounts {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly cacheReadTokens?: number | undefined;
  readonly cacheWriteTokens?: number | undefined;
  readonly reasoningTokens?: number | undefined;
}

/**
 * Merges two reports, taking the larger of each figure: counts are cumulative and never fall, and providers omit or send as
 * zero what a report does not count.
 */
export function mergeCounts(before: TokenCounts, report: TokenCounts): TokenCounts {
  const merged: Record<string, number | undefined> = { ...before };
  for (const [name, count] of Object.entries(report)) {
    if (count !== undefined) merged[name] = Math.max(merged[name] ?? 0, count);
  }
  return merged;
}

/** The vendors' rule of thumb: about four characters of English text per token. */
export const estimateTokens = (characters: number): number => Math.ceil(characters / 4);

/** What a stream's usage is settled from. */
export interface EndedStream {
  /** The provider's figures. */
  readonly counts: TokenCounts;
  /** Characters of the answer seen when the provider last reported output; undefined if it never did. */
  readonly countedCharacters?: number | undefined;
  /** The answer is complete. */
  readonly whole: boolean;
  /** `UpstreamCall.isSent`. */
  readonly sent: boolean;
  /** False for dialects whose events are not understood: their tokens are unknown. */
  readonly readable: boolean;
  readonly inputCharacters: number;
  readonly outputCharacters: number;
}

/**
 * Settles the usage of an ended stream. `exact`: the stream is complete and the provider's own input and output figures
 * count everything seen; or the request was never sent or was refused, and both are 0. Every other request may be charged:
 * whatever the provider did not count is `estimated` from the characters seen.
 */
export function settleUsage(stream: EndedStream): Usage {
  const { counts, countedCharacters = 0, inputCharacters, outputCharacters } = stream;
  const { inputTokens = 0, outputTokens = 0 } = counts;
  // A zero beside visible text is not a figure: some providers send zeros instead of a count. A request without text of its
  // own may refer to a stored prompt, so an answer means that there was input.
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
