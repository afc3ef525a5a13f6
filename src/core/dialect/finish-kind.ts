/** Why a complete answer ended, in one word for all providers. */
export type FinishKind = "stop" | "length" | "tools" | "filter";

/** By the providers' own finish and stop reasons. */
const KINDS: ReadonlyMap<string, FinishKind> = new Map([
  ["stop", "stop"],
  ["end_turn", "stop"],
  ["stop_sequence", "stop"],
  ["completed", "stop"],
  ["length", "length"],
  ["max_tokens", "length"],
  ["max_output_tokens", "length"],
  ["model_context_window_exceeded", "length"],
  ["incomplete", "length"],
  ["tool_calls", "tools"],
  ["tool_use", "tools"],
  ["function_call", "tools"],
  ["content_filter", "filter"],
  ["refusal", "filter"],
  ["STOP", "stop"],
  ["MAX_TOKENS", "length"],
  ["SAFETY", "filter"],
  ["RECITATION", "filter"],
  ["BLOCKLIST", "filter"],
  ["PROHIBITED_CONTENT", "filter"],
  ["SPII", "filter"],
  ["IMAGE_SAFETY", "filter"],
  ["IMAGE_PROHIBITED_CONTENT", "filter"],
  ["IMAGE_RECITATION", "filter"],
]);

/** The kind of a provider's reason; undefined for one that is not known. */
export const finishKindOf = (finish: string): FinishKind | undefined => KINDS.get(finish);
