import { type CutShort, type Decoder, type Delta, NOTHING } from "../../core/dialect/dialect.ts";
import { asArray, asObject, asString, type JsonObject, type JsonValue, parseJson } from "../../core/kernel/json.ts";
import { ChatChoices, speaks, textLength } from "../reading/chat-choices.ts";
import { type Draft, deltaOf } from "../reading/draft.ts";
import { isFailure, readFailure } from "../reading/failure.ts";
import { grounded } from "../reading/sources.ts";
import { asCount } from "../reading/token-counts.ts";
import { GeminiParts } from "./parts.ts";
import { readGeminiUsage } from "./usage.ts";

/** Protocol buffers' word for a reason that is not set. */
const UNSET = "FINISH_REASON_UNSPECIFIED";

/**
 * Decodes one answer of the Gemini API: `GenerateContentResponse` after `GenerateContentResponse`, of which the last has a
 * finish reason. Text, thinking and calls are those of the first candidate. There is no final event: after a finish reason the
 * body ends.
 */
export class GeminiChunks implements Decoder {
  readonly #candidates: ChatChoices;
  readonly #isUnary: boolean;
  readonly #parts = new GeminiParts();
  #begun = false;
  /** The finish reason that came last. */
  #finish: string | undefined;

  /** `answers`: how many the request asked for. */
  constructor(answers = 1, isUnary = false) {
    this.#candidates = new ChatChoices(answers);
    this.#isUnary = isUnary;
  }

  read(_name: string | undefined, value: JsonValue | undefined, data: string): Delta {
    const chunk = asObject(value);
    const candidates = asArray(chunk?.candidates);
    if ((candidates.length === 0 || chunk?.error !== undefined) && isFailure(value)) {
      return { error: readFailure(value, data) };
    }
    if (!chunk) return NOTHING;
    this.#begun = true;
    const draft: Draft = {};
    for (const item of candidates) {
      const candidate = asObject(item);
      if (candidate) this.#candidate(candidate, chunk, draft);
    }
    // A prompt that is blocked has no candidate.
    const blocked = candidates.length === 0 ? asString(asObject(chunk.promptFeedback)?.blockReason) : undefined;
    if (blocked) this.#finish = blocked;
    const complete = this.#candidates.news();
    if (blocked || this.#isUnary) draft.complete = "whole";
    else if (complete) draft.complete = complete;
    if (draft.complete && draft.complete !== "open" && this.#finish) draft.finish = this.#finish;
    const metadata = asObject(chunk.usageMetadata);
    const usage = metadata && readGeminiUsage(metadata);
    if (usage) draft.usage = usage;
    return deltaOf(draft);
  }

  cutShort(outputTokens: number, last: string): CutShort | undefined {
    if (!this.#begun) return undefined;
    const { usageMetadata, modelVersion, responseId, createTime } = asObject(parseJson(last)) ?? {};
    const { open } = this.#candidates;
    const { promptTokenCount = 0 } = asObject(usageMetadata) ?? {};
    const finish = "MAX_TOKENS";
    const data = JSON.stringify({
      candidates: (open.length > 0 ? open : [0]).map((index) => ({
        content: { parts: [{ text: "" }], role: "model" },
        finishReason: finish,
        index,
      })),
      usageMetadata: {
        promptTokenCount,
        candidatesTokenCount: outputTokens,
        totalTokenCount: (asCount(promptTokenCount) ?? 0) + outputTokens,
      },
      modelVersion,
      createTime,
      responseId,
    });
    return { finish, events: [{ name: undefined, data }] };
  }

  #candidate(candidate: JsonObject, chunk: JsonObject, draft: Draft): void {
    const index = asCount(candidate.index) ?? 0;
    const content = asObject(candidate.content);
    if (index === 0) {
      if (content) this.#parts.read(content, asString(chunk.responseId), draft);
      const sources = candidate.groundingMetadata === undefined ? [] : grounded(candidate.groundingMetadata);
      if (sources.length > 0) draft.sources = sources;
    } else if (speaks(content)) draft.otherCharacters = (draft.otherCharacters ?? 0) + textLength(content);
    const reason = asString(candidate.finishReason);
    const finish = reason === UNSET ? undefined : reason || undefined;
    this.#candidates.note(index, content, finish);
    if (finish) this.#finish = finish;
  }
}
