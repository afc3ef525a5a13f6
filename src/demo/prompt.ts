import { asArray, asObject, asString, isObject, type JsonObject, type JsonValue } from "../core/kernel/json.ts";

/** A request as the script needs it, whatever dialect it came in. */
export interface Prompt {
  readonly model: string;
  /** The newest user message's text; empty when the newest message is something else. */
  readonly text: string;
  /** Whether the newest message brings a tool's result. */
  readonly toolResult: boolean;
  /** User messages so far. */
  readonly turns: number;
  /** Characters of everything the model would read. */
  readonly inputCharacters: number;
  readonly maxTokens: number | undefined;
  /** The first tool the caller offers. */
  readonly toolName: string | undefined;
}

/**
 * The newest text of a message's content: a string, or the last part with a `text`. Earlier parts are questions that were
 * never answered; their directives are not obeyed again.
 */
function textOf(content: JsonValue | undefined): string {
  if (typeof content === "string") return content;
  return (
    asArray(content)
      .map((part) => asString(asObject(part)?.text) ?? "")
      .findLast((text) => text !== "") ?? ""
  );
}

/** As each of the three dialects brings it. */
const isToolResult = (message: JsonObject): boolean =>
  message.role === "tool" ||
  message.type === "function_call_output" ||
  asArray(message.content).some((part) => asObject(part)?.type === "tool_result");

/** Characters of all strings in a value: a fair guess at what a model reads, names of fields left out. */
function charactersOf(value: JsonValue | undefined): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, item) => sum + charactersOf(item), 0);
}

/**
 * Reads a conversation: `messages` is the dialect's list, `before` what else the model reads (system text, tools).
 * A list that is a single string is one user message.
 */
export function readPrompt(parts: {
  readonly model: JsonValue | undefined;
  readonly messages: JsonValue | undefined;
  readonly before: readonly (JsonValue | undefined)[];
  readonly maxTokens: number | undefined;
  readonly toolName: string | undefined;
}): Prompt {
  const messages =
    typeof parts.messages === "string"
      ? [{ role: "user", content: parts.messages }]
      : asArray(parts.messages).filter(isObject);
  const users = messages.filter((message) => message.role === "user");
  const newest = messages.at(-1);
  return {
    model: asString(parts.model) ?? "demo",
    text: newest?.role === "user" ? textOf(newest.content) : "",
    toolResult: newest !== undefined && isToolResult(newest),
    turns: users.length,
    inputCharacters: [...parts.before, ...messages].reduce((sum: number, part) => sum + charactersOf(part), 0),
    maxTokens: parts.maxTokens,
    toolName: parts.toolName,
  };
}
