import type { Directives } from "./directives.ts";
import type { Prompt } from "./prompt.ts";
import type { Random } from "./random.ts";
import { answerText, thinkingText, tokensOf, toolResultText, toolText } from "./wording.ts";

/** An answer in tokens, before a dialect encodes it. */
export interface Script {
  readonly model: string;
  readonly thinking: readonly string[];
  readonly text: readonly string[];
  readonly toolCall: { readonly name: string; readonly arguments: readonly string[] } | undefined;
  /** How the stream ends: complete, by a closed socket, or with the dialect's error event. */
  readonly ending: "complete" | "cut" | "error";
  readonly finish: "stop" | "length" | "tool_call";
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** The providers' rule of thumb for English text. */
const CHARACTERS_PER_TOKEN = 4;
const TOOL_ARGUMENTS = JSON.stringify({ location: "Lisbon", unit: "celsius" });

/** Writes the answer to a prompt. `rest` is the prompt without directives, `speaks` the dialect's name for people. */
export function writeScript(
  random: Random,
  prompt: Prompt,
  request: { readonly directives: Directives; readonly rest: string; readonly speaks: string },
): Script {
  const { directives, rest } = request;
  const tool =
    !prompt.toolResult && /\bcall (?:a|the) tool\b/i.test(rest) ? (prompt.toolName ?? "get_weather") : undefined;
  const ending = directives.cut ? "cut" : directives.error ? "error" : "complete";

  const words = tool
    ? toolText(tool)
    : prompt.toolResult
      ? toolResultText()
      : answerText(random, prompt, rest, request.speaks);
  const said = stretch(tokensOf(words), directives.flow?.tokens);
  const budget = { left: Math.max(0, prompt.maxTokens ?? Number.POSITIVE_INFINITY), ran: false };
  const thinking = spend(budget, prompt.model.includes("thinking") ? tokensOf(thinkingText(random)) : []);
  // A failing answer stops in the middle, so that there is always something to keep.
  const text = spend(budget, ending === "complete" ? said : said.slice(0, Math.ceil(said.length / 2)));
  const calls = tool !== undefined && ending === "complete" && !budget.ran;
  const pieces = calls ? spend(budget, tokensOf(TOOL_ARGUMENTS)) : [];

  return {
    model: prompt.model,
    thinking,
    text,
    toolCall: calls ? { name: tool, arguments: pieces } : undefined,
    ending,
    finish: budget.ran ? "length" : calls ? "tool_call" : "stop",
    inputTokens: Math.max(1, Math.ceil(prompt.inputCharacters / CHARACTERS_PER_TOKEN)),
    outputTokens: thinking.length + text.length + pieces.length,
  };
}

/** Exactly `count` tokens, cut or repeated. */
function stretch(tokens: readonly string[], count: number | undefined): readonly string[] {
  if (count === undefined) return tokens;
  return Array.from({ length: count }, (_, index) => tokens[index % tokens.length] ?? "");
}

/** The tokens that the caller's limit still allows. */
function spend(budget: { left: number; ran: boolean }, tokens: readonly string[]): readonly string[] {
  const allowed = tokens.slice(0, budget.left);
  budget.left -= allowed.length;
  if (allowed.length < tokens.length) budget.ran = true;
  return allowed;
}
