import type { Usage } from "../../protocol/stream.ts";
import type { GatewayError } from "./errors.ts";

/** What a provider reported so far. `inputTokens` includes cached parts, `outputTokens` includes reasoning. */
export interface TokenCounts {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly cacheReadTokens?: number | undefined;
  readonly cacheWriteTokens?: number | undefined;
  readonly reasoningTokens?: number | undefined;
}

/** A later report replaces earlier figures one by one: providers repeat cumulative counts, null ones are left out. */
export function mergeCounts(before: TokenCounts, report: TokenCounts): TokenCounts {
  const merged: Record<string, number | undefined> = { ...before };
  for (const [name, count] of Object.entries(report)) if (count !== undefined) merged[name] = count;
  return merged;
}

/** Rule of thumb of the vendors' own documents: about four characters a token in English text. */
export const estimateTokens = (characters: number): number => Math.ceil(characters / 4);

/**
 * The usage of a stream at its end. Exact when the provider gave input and output and the stream was whole; otherwise
 * what is missing is estimated from the characters seen. `billed: false` says that the provider never began to work.
 */
export function settleUsage(stream: {
  readonly counts: TokenCounts;
  readonly whole: boolean;
  readonly billed: boolean | "unknown";
  readonly inputCharacters: number;
  readonly outputCharacters: number;
}): Usage {
  const { counts } = stream;
  if (counts.inputTokens !== undefined && counts.outputTokens !== undefined && stream.whole) {
    return { ...counts, source: "exact" };
  }
  if (stream.billed === false) return { source: "exact", inputTokens: 0, outputTokens: 0 };
  if (stream.billed === "unknown") return { source: "unknown" };
  return {
    ...counts,
    source: "estimated",
    inputTokens: counts.inputTokens ?? estimateTokens(stream.inputCharacters),
    // A cumulative count from before the cut may lag behind the text that was seen.
    outputTokens: Math.max(counts.outputTokens ?? 0, estimateTokens(stream.outputCharacters)),
  };
}

/** Whether the provider can have charged for a call, from how far it came (faults.md of the design). */
export function wasBilled(call: {
  readonly error: GatewayError | undefined;
  readonly answered: boolean;
  readonly anyEvent: boolean;
  readonly readable: boolean;
}): boolean | "unknown" {
  const begun = call.readable ? true : "unknown";
  if (call.anyEvent) return begun;
  switch (call.error?.code) {
    case "upstream_unreachable":
    case "upstream_rate_limited":
    case "upstream_http_error":
    // The gateway's own: no connection was free for the call, or it could not be recorded and was not made.
    case "overloaded":
    case "ledger_unavailable":
      return false;
    case "upstream_bad_response": {
      const reason = call.error.details?.reason;
      return reason === "redirect" || reason === "headers_too_large" ? false : "unknown";
    }
    case "upstream_overloaded":
      return "unknown";
    case "upstream_timeout": {
      const timer = call.error.details?.timer;
      return timer === "headers" || timer === "connect" ? "unknown" : begun;
    }
    default:
      return call.answered ? begun : "unknown";
  }
}
