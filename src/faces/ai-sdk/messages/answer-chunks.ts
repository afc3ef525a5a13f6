import type { Delta, ToolCallDelta } from "../../../core/dialect/dialect.ts";
import { isObject, type JsonValue } from "../../../core/kernel/json.ts";
import type { Terminal } from "../../../core/stream/terminal.ts";
import { finishReasonOf } from "./finish-reason.ts";

/** A piece of an answer in the AI SDK's form (`UIMessageChunk`). */
export interface Chunk {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** What is known of an answer before it begins. */
export interface AnswerFacts {
  readonly messageId: string;
  /** Shown with the message from its start. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The tools that the client has declared; others are sent as dynamic ones. */
  readonly tools: ReadonlySet<string>;
}

/** How an answer ended. */
export interface Ending extends Pick<Terminal, "finish" | "error"> {
  /** A client stopped it, which is no error. */
  readonly isStopped?: boolean;
}

interface ToolCall {
  readonly index: number;
  id: string | undefined;
  name: string | undefined;
  json: string;
  begun: boolean;
}

/**
 * Turns an answer's deltas into chunks. Every chunk with an id follows the start of its part, every part that has begun ends,
 * and the same deltas always make the same chunks: a replay numbers them alike.
 */
export class AnswerChunks {
  readonly #facts: AnswerFacts;
  readonly #calls = new Map<number, ToolCall>();
  #parts = 0;
  #open: { readonly kind: "text" | "reasoning"; readonly id: string } | undefined;

  constructor(facts: AnswerFacts) {
    this.#facts = facts;
  }

  /** The chunks before any content. `earlier`: those of the message that the answer goes on with. */
  begin(earlier: readonly Chunk[] = []): readonly Chunk[] {
    const { messageId, metadata } = this.#facts;
    return [{ type: "start", messageId, messageMetadata: metadata }, ...earlier, { type: "start-step" }];
  }

  /** What a delta adds. */
  add({ text, thinking, thinkingSignature, toolCalls }: Delta): readonly Chunk[] {
    const chunks: Chunk[] = [];
    if (thinking) chunks.push(...this.#grow("reasoning", thinking));
    if (thinkingSignature !== undefined) chunks.push(...this.#sign(thinkingSignature));
    if (text) chunks.push(...this.#grow("text", text));
    for (const call of toolCalls ?? []) chunks.push(...this.#growCall(call));
    return chunks;
  }

  /** The chunks with which the answer ends. `metadata`: what is known of it by then. */
  end(terminal: Ending, metadata: object): readonly Chunk[] {
    const closed = this.#close();
    if (terminal.isStopped) return [...closed, { type: "abort" }];
    if (terminal.error) return [...closed, { type: "error", errorText: terminal.error.message }];
    const calls = [...this.#calls.values()].flatMap((call) => this.#complete(call));
    const finishReason = finishReasonOf(terminal.finish, this.#calls.size > 0);
    return [
      ...closed,
      ...calls,
      { type: "finish-step" },
      { type: "finish", finishReason, messageMetadata: { ...this.#facts.metadata, ...metadata } },
    ];
  }

  #grow(kind: "text" | "reasoning", delta: string): readonly Chunk[] {
    const before = this.#open?.kind === kind ? [] : this.#begin(kind);
    return [...before, { type: `${kind}-delta`, id: this.#open?.id, delta }];
  }

  #begin(kind: "text" | "reasoning"): readonly Chunk[] {
    const closed = this.#close();
    this.#open = { kind, id: `${kind}-${this.#parts++}` };
    return [...closed, { type: `${kind}-start`, id: this.#open.id }];
  }

  #close(metadata?: object): readonly Chunk[] {
    if (!this.#open) return [];
    const { kind, id } = this.#open;
    this.#open = undefined;
    return [{ type: `${kind}-end`, id, ...(metadata && { providerMetadata: metadata }) }];
  }

  /** Some thinking is withheld and comes with nothing but its signature, which must go back all the same. */
  #sign(signature: string): readonly Chunk[] {
    const begun = this.#open?.kind === "reasoning" ? [] : this.#begin("reasoning");
    return [...begun, ...this.#close({ anthropic: { signature } })];
  }

  #growCall({ index, id, name, arguments: json = "" }: ToolCallDelta): readonly Chunk[] {
    const call = this.#calls.get(index) ?? { index, id: undefined, name: undefined, json: "", begun: false };
    this.#calls.set(index, call);
    call.id ??= id;
    call.name ??= name;
    call.json += json;
    if (call.begun) return json === "" ? [] : [{ type: "tool-input-delta", toolCallId: call.id, inputTextDelta: json }];
    return call.name === undefined ? [] : [...this.#close(), ...this.#beginCall(call)];
  }

  #beginCall(call: ToolCall): readonly Chunk[] {
    call.begun = true;
    call.id = this.#freeId(call);
    const start = { type: "tool-input-start", ...this.#naming(call) };
    const delta = { type: "tool-input-delta", toolCallId: call.id, inputTextDelta: call.json };
    return call.json === "" ? [start] : [start, delta];
  }

  /** A server that gives a call no id, or another's, means it by its place. What it says later changes nothing. */
  #freeId({ id, index }: ToolCall): string {
    const taken = [...this.#calls.values()].some((other) => other.begun && other.index !== index && other.id === id);
    return id === undefined || id === "" || taken ? `call-${index}` : id;
  }

  /** Only now does the client run the tool. */
  #complete(call: ToolCall): readonly Chunk[] {
    const begun = call.begun ? [] : this.#beginCall(call);
    const input = inputOf(call.json);
    const naming = this.#naming(call);
    if (input !== undefined) return [...begun, { type: "tool-input-available", ...naming, input }];
    const errorText = "the model's arguments are not a JSON object";
    return [...begun, { type: "tool-input-error", ...naming, input: call.json, errorText }];
  }

  #naming(call: ToolCall) {
    const toolName = call.name ?? "unnamed";
    return { toolCallId: call.id, toolName, ...(!this.#facts.tools.has(toolName) && { dynamic: true }) };
  }
}

/** The arguments as a value; undefined unless they are a JSON object. Models leave out empty ones. */
function inputOf(json: string): JsonValue | undefined {
  if (json.trim() === "") return {};
  try {
    const value: JsonValue = JSON.parse(json);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
