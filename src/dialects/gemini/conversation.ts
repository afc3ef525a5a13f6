/** A conversation of a chat face as a request of the Gemini API. */
import type { Conversation, Message } from "../../core/dialect/dialect.ts";
import { asObject, type JsonObject, parseJson } from "../../core/kernel/json.ts";

/**
 * What stands for the signature of a call whose own is not known: models from Gemini 3 on reject a call without any
 * (https://ai.google.dev/gemini-api/docs/thought-signatures).
 */
const NO_SIGNATURE = "skip_thought_signature_validator";

/**
 * Thinking budgets in tokens by effort: Google's own for `reasoning_effort` in its OpenAI-compatible API. Every thinking model
 * takes a budget; levels are known from Gemini 3 on only.
 */
const BUDGETS: Readonly<Record<string, number>> = { low: 1_024, medium: 8_192, high: 24_576 };

/** The request body. Thinking of earlier answers is left out. */
export function geminiConversation(turn: Conversation): JsonObject {
  /** The names of the tools called so far, by their calls' ids: results need them. */
  const names = new Map<string, string>();
  const contents = turn.messages.map((message) => toContent(message, names)).filter(({ parts }) => parts.length > 0);
  return {
    ...(turn.system !== undefined && { systemInstruction: { parts: [{ text: turn.system }] } }),
    contents,
    ...(turn.tools && {
      tools: [
        {
          functionDeclarations: turn.tools.map(({ parameters, ...tool }) => ({
            ...tool,
            parametersJsonSchema: parameters,
          })),
        },
      ],
    }),
    ...thinkingOf(turn),
  };
}

/** "off" sets nothing, because some models reject a budget of zero. */
function thinkingOf({ thinking }: Conversation): JsonObject {
  const thinkingBudget = thinking === undefined ? undefined : BUDGETS[thinking];
  return thinkingBudget === undefined
    ? {}
    : { generationConfig: { thinkingConfig: { thinkingBudget, includeThoughts: true } } };
}

function toContent({ role, content }: Message, names: Map<string, string>) {
  // Of parallel calls only the first has a signature.
  const first = content.find(({ type }) => type === "toolCall");
  return {
    role: role === "user" ? "user" : "model",
    parts: content.map((part) => toPart(part, names, part === first)).filter((part) => part !== undefined),
  };
}

function toPart(
  part: Message["content"][number],
  names: Map<string, string>,
  isFirstCall: boolean,
): JsonObject | undefined {
  switch (part.type) {
    case "text":
      return part.text === "" ? undefined : { text: part.text };
    case "image":
    case "document":
      return { inlineData: { mimeType: part.mimeType, data: part.base64 } };
    case "toolCall": {
      const args = asObject(parseJson(part.arguments)) ?? {};
      const functionCall = { id: part.id, name: part.name, args };
      const thoughtSignature = part.signature ?? (isFirstCall ? NO_SIGNATURE : undefined);
      names.set(part.id, part.name);
      return { functionCall, ...(thoughtSignature !== undefined && { thoughtSignature }) };
    }
    case "toolResult": {
      const response = part.isError === true ? { error: part.text } : { output: part.text };
      return { functionResponse: { id: part.id, name: names.get(part.id) ?? part.id, response } };
    }
    case "thinking":
      return undefined;
  }
}
