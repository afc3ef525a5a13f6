import { asArray, asObject, asString, isObject, type JsonObject, type JsonValue } from "../core/kernel/json.ts";

/** What the script needs of a request, whatever its dialect. */
export interface Prompt {
  readonly model: string;
  /** The newest user message's words, without reminders; empty when a tool's result is newer. */
  readonly text: string;
  /** Whether the newest message carries a tool's result. */
  readonly toolResult: boolean;
  /** User messages with words so far, this one included. */
  readonly turns: number;
  /** Characters of everything the model would read. */
  readonly inputCharacters: number;
  readonly maxTokens: number | undefined;
  /** The first tool the caller offers. */
  readonly toolName: string | undefined;
}

/** What coding agents put beside the user's words for the model alone. */
const REMINDER = /<system-reminder>[\s\S]*?(?:<\/system-reminder>|$)/g;

/**
 * The newest words in a message's content, a string or content blocks: the last block that says something besides
 * reminders. Earlier blocks are context or unanswered questions, whose directives must not be obeyed again.
 */
function wordsOf(content: JsonValue | undefined): string {
  const texts =
    typeof content === "string" ? [content] : asArray(content).map((block) => asString(asObject(block)?.text) ?? "");
  return texts.map((text) => text.replace(REMINDER, "").trim()).findLast((text) => text !== "") ?? "";
}

/** Claude Code ends its conversations with a system message, and prefilled answers end with the assistant's. */
const isAside = ({ role, tool_calls }: JsonObject): boolean =>
  role === "system" || role === "developer" || (role === "assistant" && asArray(tool_calls).length === 0);

/** A tool's result in each of the three dialects. */
const isToolResult = (message: JsonObject): boolean =>
  message.role === "tool" ||
  message.type === "function_call_output" ||
  asArray(message.content).some((part) => asObject(part)?.type === "tool_result");

/** Characters of all strings in a value, field names left out: close to what a model reads. */
function charactersOf(value: JsonValue | undefined): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, item) => sum + charactersOf(item), 0);
}

/**
 * Reads a conversation: `messages` is the dialect's list, or one string for one user message; `before` is what else the
 * model reads (system text, tools).
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
  const turns = messages.filter(({ role, content }) => role === "user" && wordsOf(content) !== "");
  const newest = messages.findLast((message) => !isAside(message));
  return {
    model: asString(parts.model) ?? "demo",
    text: newest?.role === "user" ? wordsOf(newest.content) : "",
    toolResult: newest !== undefined && isToolResult(newest),
    turns: turns.length,
    inputCharacters: [...parts.before, ...messages].reduce((sum: number, part) => sum + charactersOf(part), 0),
    maxTokens: parts.maxTokens,
    toolName: parts.toolName,
  };
}
