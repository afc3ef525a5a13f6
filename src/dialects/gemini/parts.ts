import type { ToolCallDelta, ToolResult } from "../../core/dialect/dialect.ts";
import { asArray, asObject, asString, type JsonObject } from "../../core/kernel/json.ts";
import { textLength } from "../reading/chat-choices.ts";
import type { Draft } from "../reading/draft.ts";

/** Reads the parts of a candidate's content. Calls come whole, and often without an id. */
export class GeminiParts {
  /** Calls so far. */
  #calls = 0;
  /** The id of the last program that ran at Google. */
  #program = "";

  /** Adds the parts to the draft. `answer`: the answer's id, of which calls without an id get theirs. */
  read(content: JsonObject, answer: string | undefined, draft: Draft): void {
    for (const item of asArray(content.parts)) {
      const part = asObject(item);
      if (part) this.#part(part, answer, draft);
    }
  }

  #part(part: JsonObject, answer: string | undefined, draft: Draft): void {
    const text = asString(part.text);
    if (text) {
      const field = part.thought === true ? "thinking" : "text";
      draft[field] = (draft[field] ?? "") + text;
    }
    const call = asObject(part.functionCall);
    if (call) this.#call(call, asString(part.thoughtSignature), answer, draft);
    const { mimeType, data } = asObject(part.inlineData) ?? {};
    const [type, base64] = [asString(mimeType), asString(data)];
    // Pictures of the thinking are drafts.
    if (type && base64 && part.thought !== true) {
      draft.files = [...(draft.files ?? []), { mimeType: type, base64 }];
    }
    const program = asObject(part.executableCode);
    if (program) {
      this.#program = asString(program.id) || this.#idOf(answer);
      add(draft, {
        index: this.#calls++,
        id: this.#program,
        name: "code_execution",
        ...json(program),
        isProviders: true,
      });
    }
    const result = asObject(part.codeExecutionResult);
    if (result) {
      const found: ToolResult = { id: asString(result.id) || this.#program, output: result };
      draft.toolResults = [...(draft.toolResults ?? []), found];
    }
  }

  /** Vertex AI streams arguments by their paths if a request asks for that, which no chat does: they only count. */
  #call(call: JsonObject, signature: string | undefined, answer: string | undefined, draft: Draft): void {
    const name = asString(call.name);
    if (name) {
      const args = asObject(call.args);
      const id = asString(call.id) || this.#idOf(answer);
      const given = call.willContinue === true ? {} : json(args ?? {});
      add(draft, { index: this.#calls++, id, name, ...given, ...(signature && { signature }) });
    } else {
      const characters = textLength(call.partialArgs);
      if (characters > 0) draft.otherCharacters = (draft.otherCharacters ?? 0) + characters;
    }
  }

  readonly #idOf = (answer: string | undefined): string => `call_${answer ?? ""}_${this.#calls}`;
}

const json = (value: JsonObject) => ({ arguments: JSON.stringify(value) });

function add(draft: Draft, call: ToolCallDelta): void {
  draft.toolCalls = [...(draft.toolCalls ?? []), call];
}
