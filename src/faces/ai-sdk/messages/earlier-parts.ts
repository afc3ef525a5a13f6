import type { Chunk } from "./answer-chunks.ts";
import type { UIPart } from "./ui-message.ts";

/**
 * The chunks that make these parts of a message again. After a tool has run, an answer goes on in the message that called
 * it, and a client that resumes empties that message first. A call whose result is known comes without
 * `tool-input-available`, which would make the client run its tool once more.
 */
export const chunksOfParts = (parts: readonly UIPart[]): readonly Chunk[] => parts.flatMap(chunksOf);

/** Parts that are their own chunk. */
const PLAIN = /^(?:file|reasoning-file|source-url|source-document|custom|data-.+)$/;

function chunksOf(part: UIPart): readonly Chunk[] {
  const { type } = part;
  if (type === "step-start") return [{ type: "start-step" }];
  if (type === "text" || type === "reasoning") return saidChunks(type, part);
  if (PLAIN.test(type)) return [part];
  return part.toolCallId === undefined ? [] : callChunks(part, part.toolCallId);
}

function saidChunks(type: string, { id, text, providerMetadata }: UIPart): readonly Chunk[] {
  // Parts end before the next begins, so that one id serves all that have none.
  const naming = { id: typeof id === "string" ? id : "earlier" };
  return [
    { type: `${type}-start`, ...naming },
    { type: `${type}-delta`, ...naming, delta: text ?? "" },
    { type: `${type}-end`, ...naming, ...(providerMetadata && { providerMetadata }) },
  ];
}

function callChunks(part: UIPart, toolCallId: string): readonly Chunk[] {
  const { type, toolName, input, rawInput, providerExecuted, callProviderMetadata: providerMetadata } = part;
  const isDynamic = type === "dynamic-tool";
  const naming = {
    toolCallId,
    toolName: isDynamic ? (toolName ?? "unnamed") : type.slice("tool-".length),
    ...(isDynamic && { dynamic: true }),
    ...(providerExecuted === true && { providerExecuted }),
    ...(providerMetadata !== undefined && { providerMetadata }),
  };
  const result = resultChunk(part, toolCallId);
  if (!result) return [{ type: "tool-input-available", ...naming, input: input ?? {} }];
  const inputTextDelta = input === undefined && typeof rawInput === "string" ? rawInput : JSON.stringify(input ?? {});
  return [
    { type: "tool-input-start", ...naming },
    { type: "tool-input-delta", toolCallId, inputTextDelta },
    { ...result, ...(providerExecuted === true && { providerExecuted }) },
  ];
}

function resultChunk({ state, output, errorText }: UIPart, toolCallId: string): Chunk | undefined {
  switch (state) {
    case "output-available":
      return { type: "tool-output-available", toolCallId, output: output ?? null };
    case "output-error":
      return { type: "tool-output-error", toolCallId, errorText: errorText ?? "the tool failed" };
    case "output-denied":
      return { type: "tool-output-denied", toolCallId };
    default:
      return undefined;
  }
}
