import type { DialectName } from "../../../src/dialects/registry.ts";
import type { RecordedEvent } from "./corpus.ts";

type Json = Record<string, unknown>;

/** What a recorded answer says, found by the plainest possible reading, without any code of the product. */
export interface RecordedAnswer {
  readonly text: string;
  readonly thinking: string;
  readonly usage: Json;
  readonly calls: readonly Json[];
  /** Index of the event that makes the answer whole. */
  readonly wholeAt: number;
  /** Each source once; known of our own recordings only. */
  readonly sources?: readonly Json[];
  /** The files that the model made; known of our own recordings only. */
  readonly files?: readonly Json[];
}

const parse = ({ data }: RecordedEvent): Json => {
  try {
    return JSON.parse(data) as Json;
  } catch {
    return {};
  }
};
const at = (value: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Json | null | undefined)?.[key], value);
const text = (...values: unknown[]): string => values.filter((value) => typeof value === "string").join("");
const number = (value: unknown): number => (typeof value === "number" ? value : 0);
/** Only the fields that are there. */
const given = (fields: Json): Json =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));

function anthropic(events: readonly Json[]): RecordedAnswer {
  const usage: Json = {};
  for (const event of events) Object.assign(usage, at(event, "message", "usage"), at(event, "usage"));
  const iterations = (usage.iterations ?? []) as Json[];
  // All iterations are billed. Figures that leave some out stand beside them.
  for (const name of ["input_tokens", "output_tokens"]) {
    const sum = iterations.reduce((total, iteration) => total + number(iteration[name]), 0);
    if (sum > number(usage[name])) usage[name] = sum;
  }
  const cached = number(usage.cache_read_input_tokens) + number(usage.cache_creation_input_tokens);
  return {
    text: text(...events.map((event) => at(event, "delta", "text"))),
    thinking: text(...events.map((event) => at(event, "delta", "thinking"))),
    usage: given({
      inputTokens: number(usage.input_tokens) + cached,
      outputTokens: usage.output_tokens,
      cacheReadTokens: usage.cache_read_input_tokens,
      cacheWriteTokens: usage.cache_creation_input_tokens,
      reasoningTokens: at(usage, "output_tokens_details", "thinking_tokens"),
    }),
    calls: anthropicCalls(events),
    wholeAt: events.length - 1,
  };
}

/** A block's pieces follow its start before the next block with that index starts. */
function anthropicCalls(events: readonly Json[]): Json[] {
  const whole = events.flatMap((event) => (at(event, "message", "content") ?? []) as Json[]);
  const calls = whole.map((block) => ({ id: block.id, name: block.name, arguments: JSON.stringify(block.input) }));
  events.forEach((event, start) => {
    const { type, id, name, input } = (event.content_block ?? {}) as Json;
    if (!/^(mcp_|server_)?tool_use$/.test(text(type))) return;
    const next = events.findIndex(
      (later, index) => index > start && later.index === event.index && later.content_block,
    );
    const block = events.slice(start, next < 0 ? undefined : next).filter((piece) => piece.index === event.index);
    const streamed = text(...block.map((piece) => at(piece, "delta", "partial_json")));
    calls.push({ id, name, arguments: JSON.stringify(input).replace("{}", "") + streamed });
  });
  return calls;
}

function chat(events: readonly Json[]): RecordedAnswer {
  const deltas = events.map((event) => at(event, "choices", 0, "delta"));
  const parts = deltas.flatMap((delta) =>
    Array.isArray(at(delta, "content")) ? (at(delta, "content") as Json[]) : [],
  );
  const usage = events.map((event) => at(event, "usage")).findLast((value) => value !== null && value !== undefined);
  const reasoning = at(usage, "completion_tokens_details", "reasoning_tokens") ?? at(usage, "reasoning_tokens");
  return {
    text: text(...deltas.map((delta) => at(delta, "content")), ...parts.map((part) => part.text)),
    thinking: text(
      ...deltas.flatMap((delta) => [at(delta, "reasoning_content"), at(delta, "reasoning")]),
      ...parts.map((part) => at(part, "thinking", 0, "text")),
    ),
    usage: given({
      inputTokens: at(usage, "prompt_tokens"),
      // What was not input was output, wherever the provider counts its reasoning.
      outputTokens: number(at(usage, "total_tokens")) - number(at(usage, "prompt_tokens")),
      cacheReadTokens: at(usage, "prompt_tokens_details", "cached_tokens"),
      reasoningTokens: reasoning,
    }),
    calls: chatCalls(deltas),
    wholeAt: events.findIndex((event) => typeof at(event, "choices", 0, "finish_reason") === "string"),
  };
}

function chatCalls(deltas: readonly unknown[]): Json[] {
  const pieces = deltas.flatMap((delta) => (at(delta, "tool_calls") ?? []) as Json[]);
  const indexes = [...new Set(pieces.map((piece) => piece.index))];
  return indexes.map((index) => {
    const own = pieces.filter((piece) => piece.index === index);
    return {
      id: text(...own.map((piece) => piece.id)),
      name: text(...own.map((piece) => at(piece, "function", "name"))),
      arguments: text(...own.map((piece) => at(piece, "function", "arguments"))),
    };
  });
}

function responses(events: readonly Json[]): RecordedAnswer {
  const usage = at(events.at(-1), "response", "usage");
  return {
    // The whole texts that end each part, not the deltas they came in.
    text: text(...events.filter((event) => event.type === "response.output_text.done").map((event) => event.text)),
    thinking: text(
      ...events
        .filter((event) => /^response\.reasoning.*_text\.done$/.test(text(event.type)))
        .map((event) => event.text),
    ),
    usage: given({
      inputTokens: at(usage, "input_tokens"),
      outputTokens: at(usage, "output_tokens"),
      cacheReadTokens: at(usage, "input_tokens_details", "cached_tokens"),
      cacheWriteTokens: at(usage, "input_tokens_details", "cache_write_tokens"),
      reasoningTokens: at(usage, "output_tokens_details", "reasoning_tokens"),
    }),
    // The whole calls that end each item, not the pieces they came in.
    calls: events
      .filter((event) => event.type === "response.output_item.done")
      .map((event) => event.item as Json)
      .filter((item) => /^(function_call|custom_tool_call|mcp_call)$/.test(text(item.type)))
      .map((item) => ({ id: item.call_id ?? item.id, name: item.name, arguments: item.arguments ?? item.input })),
    wholeAt: events.length - 1,
  };
}

function gemini(events: readonly Json[]): RecordedAnswer {
  const parts = events.flatMap((event) => (at(event, "candidates", 0, "content", "parts") ?? []) as Json[]);
  const usage = events.map((event) => at(event, "usageMetadata")).findLast((value) => at(value, "promptTokenCount"));
  const input = number(at(usage, "promptTokenCount")) + number(at(usage, "toolUsePromptTokenCount"));
  const calls = parts.map((part) => at(part, "functionCall") as Json | undefined).filter((call) => call?.name);
  return {
    text: text(...parts.filter((part) => part.thought !== true).map((part) => part.text)),
    thinking: text(...parts.filter((part) => part.thought === true).map((part) => part.text)),
    usage: given({
      inputTokens: input,
      outputTokens: number(at(usage, "totalTokenCount")) - input,
      cacheReadTokens: at(usage, "cachedContentTokenCount"),
      reasoningTokens: at(usage, "thoughtsTokenCount"),
    }),
    calls: calls.map((call, index) => ({
      // Google names few calls.
      id: call?.id ?? `call_${events[0]?.responseId}_${index}`,
      name: call?.name,
      // Arguments streamed by their paths are not put together.
      arguments: call?.willContinue === true ? "" : JSON.stringify(call?.args ?? {}),
    })),
    wholeAt: events.findIndex((event) => typeof at(event, "candidates", 0, "finishReason") === "string"),
  };
}

/** The answer in a recording of one of the dialects that know their end; throws for plain SSE. */
export function recordedAnswer(dialect: DialectName, events: readonly RecordedEvent[]): RecordedAnswer {
  const parsed = events.map(parse);
  switch (dialect) {
    case "anthropic-messages":
      return anthropic(parsed);
    case "openai-chat":
      return chat(parsed);
    case "openai-responses":
      return responses(parsed);
    case "google-gemini":
      return gemini(parsed);
    case "plain-sse":
      throw new Error("a plain SSE recording has no answer to be read");
  }
}
