import { type FinishKind, finishKindOf } from "../../../core/dialect/finish-kind.ts";

/** Why an answer ended, as the AI SDK names it. Any other word makes its client close the socket. */
export type FinishReason = "stop" | "length" | "content-filter" | "tool-calls" | "other";

const NAMES: Readonly<Record<FinishKind, FinishReason>> = {
  stop: "stop",
  length: "length",
  tools: "tool-calls",
  filter: "content-filter",
};

/**
 * The AI SDK's reason for a provider's. Responses gives none to an answer that completed, with calls or without, and Gemini
 * gives both the same. `hasCalls`: for the client.
 */
export function finishReasonOf(finish: string | undefined, hasCalls: boolean): FinishReason {
  if (finish === undefined) return hasCalls ? "tool-calls" : "stop";
  const kind = finishKindOf(finish);
  if (kind === "stop" && hasCalls) return "tool-calls";
  return kind ? NAMES[kind] : "other";
}
