/** Why an answer ended, as the AI SDK names it. Any other word makes its client close the socket. */
export type FinishReason = "stop" | "length" | "content-filter" | "tool-calls" | "error" | "other";

/** By the providers' own reasons. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  completed: "stop",
  length: "length",
  max_tokens: "length",
  max_output_tokens: "length",
  model_context_window_exceeded: "length",
  tool_calls: "tool-calls",
  tool_use: "tool-calls",
  function_call: "tool-calls",
  content_filter: "content-filter",
  refusal: "content-filter",
};

/** The AI SDK's reason for a provider's. Responses gives none to an answer that completed, with calls or without. */
export function finishReasonOf(finish: string | undefined, hasCalls: boolean): FinishReason {
  if (finish === undefined) return hasCalls ? "tool-calls" : "stop";
  return Object.hasOwn(REASONS, finish) ? (REASONS[finish] ?? "other") : "other";
}
