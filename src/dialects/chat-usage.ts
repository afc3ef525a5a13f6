import { asArray, asObject, asString, type JsonObject, type JsonValue } from "../core/kernel/json.ts";
import { mergeCounts, type TokenCounts } from "../core/usage/usage.ts";
import { type ChatChoices, isBlank, speaks } from "./reading/chat-choices.ts";
import { asCount } from "./reading/token-counts.ts";
import { readTokenUsage } from "./token-usage.ts";

/** Fields that every chunk may repeat, or that only pad it. */
const FRAME = new Set([
  "id",
  "object",
  "created",
  "model",
  "system_fingerprint",
  "service_tier",
  "provider",
  "obfuscation",
  "choices",
  "usage",
]);

/** Reads the usage of one chat stream, wherever the server puts it. */
export class ChatUsage {
  /** By index: Moonshot reports the usage of each choice in that choice. */
  readonly #inChoices = new Map<number, TokenCounts>();

  /** The counts in a chunk: at the top level, else in its choices (Moonshot), else in `x_groq`. */
  read(chunk: JsonObject, choices: readonly JsonValue[]): TokenCounts | undefined {
    return readTokenUsage(chunk.usage) ?? this.#ofChoices(choices) ?? readTokenUsage(asObject(chunk.x_groq)?.usage);
  }

  /** The prompt is charged once, the output for every choice. */
  #ofChoices(choices: readonly JsonValue[]): TokenCounts | undefined {
    let isFound = false;
    for (const item of choices) {
      const choice = asObject(item);
      const counts = choice?.usage ? readTokenUsage(choice.usage) : undefined;
      if (!counts) continue;
      isFound = true;
      const index = asCount(choice?.index) ?? 0;
      this.#inChoices.set(index, mergeCounts(this.#inChoices.get(index) ?? {}, counts));
    }
    if (!isFound) return undefined;
    const [first = {}, ...others] = this.#inChoices.values();
    return others.reduce((sum, counts) => addOutput(sum, counts), first);
  }
}

function addOutput(sum: TokenCounts, counts: TokenCounts): TokenCounts {
  const add = (name: "outputTokens" | "reasoningTokens") =>
    sum[name] === undefined && counts[name] === undefined ? {} : { [name]: (sum[name] ?? 0) + (counts[name] ?? 0) };
  return { ...mergeCounts(sum, counts), ...add("outputTokens"), ...add("reasoningTokens") };
}

/**
 * Whether a chunk exists only because the gateway asked for the usage: it has a `usage` object, empty choices, and no other
 * field with a value that `first`, the stream's first chunk, did not have.
 */
export function holdsOnlyUsage(chunk: JsonObject, first: JsonObject, choices: ChatChoices): boolean {
  if (!asObject(chunk.usage) && !asObject(asObject(chunk.x_groq)?.usage)) return false;
  const isRepeated = (key: string) => chunk !== first && JSON.stringify(chunk[key]) === JSON.stringify(first[key]);
  const isKnown = (key: string) =>
    FRAME.has(key) || isBlank(chunk[key]) || (key === "x_groq" ? isGroqUsage(chunk[key]) : isRepeated(key));
  return (
    asArray(chunk.choices).every((choice) => isEmpty(asObject(choice), choices)) && Object.keys(chunk).every(isKnown)
  );
}

const isGroqUsage = (value: JsonValue | undefined): boolean =>
  Object.keys(asObject(value) ?? {}).every((key) => key === "usage" || key === "id");

/** Whether a choice adds nothing. The role is content only for a choice that has not begun. */
function isEmpty(choice: JsonObject | undefined, choices: ChatChoices): boolean {
  const { index, delta, usage: _, ...rest } = choice ?? {};
  const isNews = asString(asObject(delta)?.role) !== undefined && !choices.has(asCount(index) ?? 0);
  return !isNews && !speaks(delta) && isBlank(rest);
}
