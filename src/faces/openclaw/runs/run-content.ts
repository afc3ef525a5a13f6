import type { Delta, ToolCallDelta } from "../../../core/dialect/dialect.ts";
import type { TranscriptPart } from "../../../core/ports/transcripts.ts";

type Growing<Part> = { -readonly [Field in keyof Part]: Part[Field] };
type ToolCall = Growing<Extract<TranscriptPart, { type: "toolCall" }>>;

/** A part of the text or of the thinking, by its offsets in all of it. */
interface Span {
  readonly type: "text" | "thinking";
  readonly from: number;
  to: number;
  signature?: string;
}

/** What the model has written in a run so far. Every text is kept once: parts and tracks are offsets into it. */
export class RunContent {
  readonly #parts: (Span | ToolCall)[] = [];
  readonly #calls = new Map<number, ToolCall>();
  #text = "";
  #thinking = "";
  #argumentsLength = 0;

  /** Text, thinking and tool calls in the order in which they began. */
  get parts(): readonly TranscriptPart[] {
    return this.#parts.map((part) => {
      if (part.type === "toolCall") return { ...part };
      const { type, from, to, signature } = part;
      const text = this[type].slice(from, to);
      return type === "text" ? { type, text } : { type, text, ...(signature !== undefined && { signature }) };
    });
  }

  /** All of the text, without the thinking and the tool calls in between. */
  get text(): string {
    return this.#text;
  }

  /** All of the thinking. */
  get thinking(): string {
    return this.#thinking;
  }

  /** Characters of text, thinking and tool arguments. */
  get length(): number {
    return this.#text.length + this.#thinking.length + this.#argumentsLength;
  }

  /** Adds a delta's text and thinking; tool calls go to `addToCall`. */
  add({ text, thinking, thinkingSignature }: Delta): void {
    if (thinking !== undefined) {
      // Empty thinking is kept: some providers refuse the next turn unless they get it back as it was.
      const block = this.#thinkingBlock();
      this.#thinking += thinking;
      block.to = this.#thinking.length;
    }
    if (thinkingSignature !== undefined) this.#thinkingBlock().signature = thinkingSignature;
    if (text !== undefined && text !== "") {
      const block = this.#textBlock();
      this.#text += text;
      block.to = this.#text.length;
    }
  }

  /** Adds to a tool call and returns it. `idOf` gives one an id if the provider did not. */
  addToCall(delta: ToolCallDelta, idOf: (index: number) => string): Readonly<ToolCall> {
    let call = this.#calls.get(delta.index);
    if (!call) {
      call = { type: "toolCall", id: delta.id ?? idOf(delta.index), name: delta.name ?? "tool", arguments: "" };
      this.#calls.set(delta.index, call);
      this.#parts.push(call);
    }
    const { arguments: piece = "" } = delta;
    call.arguments += piece;
    this.#argumentsLength += piece.length;
    return call;
  }

  #textBlock(): Span {
    const last = this.#parts.at(-1);
    return last?.type === "text" ? last : this.#begin("text", this.#text.length);
  }

  /** The current block of thinking: a signature ends a block. */
  #thinkingBlock(): Span {
    const last = this.#parts.at(-1);
    if (last?.type === "thinking" && last.signature === undefined) return last;
    return this.#begin("thinking", this.#thinking.length);
  }

  #begin(type: Span["type"], at: number): Span {
    const span: Span = { type, from: at, to: at };
    this.#parts.push(span);
    return span;
  }
}
