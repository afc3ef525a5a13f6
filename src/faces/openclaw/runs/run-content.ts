import type { Delta, ToolCallDelta } from "../../../core/dialect/dialect.ts";
import type { TranscriptPart } from "../../../core/ports/transcripts.ts";

type Growing<Part> = { -readonly [Field in keyof Part]: Part[Field] };
type ToolCall = Growing<Extract<TranscriptPart, { type: "toolCall" }>>;
type Thinking = Growing<Extract<TranscriptPart, { type: "thinking" }>>;
type Text = Growing<Extract<TranscriptPart, { type: "text" }>>;

/** What a run's answer is made of, in the order in which it came. */
export class RunContent {
  readonly #parts: (Text | Thinking | ToolCall)[] = [];
  readonly #calls = new Map<number, ToolCall>();

  get parts(): readonly TranscriptPart[] {
    return this.#parts;
  }

  /** All of the text, without what was thought or called in between. */
  get text(): string {
    return this.#parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  }

  add(delta: Delta): void {
    const { text, thinking, thinkingSignature } = delta;
    // Empty thinking is kept: some providers refuse the next turn when it is not given back as it was.
    if (thinking !== undefined) this.#thinking().text += thinking;
    if (thinkingSignature !== undefined) this.#thinking().signature = thinkingSignature;
    if (text !== undefined && text !== "") this.#text().text += text;
  }

  /** Adds to a tool call and returns it; a call that has no name or id yet gets them from here on. */
  addToCall(delta: ToolCallDelta, idOf: (index: number) => string): ToolCall {
    let call = this.#calls.get(delta.index);
    if (!call) {
      call = { type: "toolCall", id: delta.id ?? idOf(delta.index), name: delta.name ?? "tool", arguments: "" };
      this.#calls.set(delta.index, call);
      this.#parts.push(call);
    }
    call.arguments += delta.arguments ?? "";
    return call;
  }

  #text(): Text {
    const last = this.#parts.at(-1);
    if (last?.type === "text") return last;
    const part: Text = { type: "text", text: "" };
    this.#parts.push(part);
    return part;
  }

  /** The block being thought: a signature ends it, so what comes after it is a new one. */
  #thinking(): Thinking {
    const last = this.#parts.at(-1);
    if (last?.type === "thinking" && last.signature === undefined) return last;
    const part: Thinking = { type: "thinking", text: "" };
    this.#parts.push(part);
    return part;
  }
}
