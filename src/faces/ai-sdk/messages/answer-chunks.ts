import type { Delta, MadeFile, Source, ToolCallDelta, ToolResult } from "../../../core/dialect/dialect.ts";
import type { GatewayError } from "../../../core/kernel/errors.ts";
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
  /** The stream's id, of which the ids of sources are made: one message may hold the answers of several streams. */
  readonly stream: string;
  readonly model: string;
  readonly route: string;
  /** The tools that the client has declared; others are sent as dynamic ones. */
  readonly tools: ReadonlySet<string>;
}

/** How an answer ended. */
export interface Ending extends Pick<Terminal, "finish" | "error"> {
  /** A client stopped it, which is no error. */
  readonly isStopped?: boolean;
}

/**
 * What a program can do about a failure, besides the sentence that the SDK shows: its code (`protocol/codes.ts`). The part is
 * transient: it reaches the application's `onData` and makes no message.
 */
export function errorChunk(error: GatewayError): Chunk {
  const { message: _, ...data } = error.toBody();
  return { type: "data-error", transient: true, data };
}

interface ToolCall {
  readonly index: number;
  id: string | undefined;
  name: string | undefined;
  json: string;
  begun: boolean;
  /** The client has all of it. */
  isComplete: boolean;
  isProviders: boolean;
  signature?: string | undefined;
}

/** More than a page shows. It bounds what is remembered of the ones before. */
const MAX_SOURCES = 1_000;

/**
 * Turns an answer's deltas into chunks. Every chunk with an id follows the start of its part, every part that has begun ends,
 * and the same deltas always make the same chunks: a replay numbers them alike.
 */
export class AnswerChunks {
  readonly #facts: AnswerFacts;
  readonly #calls = new Map<number, ToolCall>();
  /** The addresses and ids of sources that were sent: providers repeat them. */
  readonly #sources = new Set<string>();
  #parts = 0;
  #open: { readonly kind: "text" | "reasoning"; readonly id: string } | undefined;

  constructor(facts: AnswerFacts) {
    this.#facts = facts;
  }

  /** The chunks before any content. `earlier`: those of the message that the answer goes on with. */
  begin(earlier: readonly Chunk[] = []): readonly Chunk[] {
    const { messageId } = this.#facts;
    return [{ type: "start", messageId, messageMetadata: this.#metadata }, ...earlier, { type: "start-step" }];
  }

  /** What a delta adds. */
  add({ text, thinking, thinkingSignature, toolCalls, toolResults, sources, files }: Delta): readonly Chunk[] {
    const chunks: Chunk[] = [];
    if (thinking) chunks.push(...this.#grow("reasoning", thinking));
    if (thinkingSignature !== undefined) chunks.push(...this.#sign(thinkingSignature));
    if (text) chunks.push(...this.#grow("text", text));
    if (toolCalls) for (const call of toolCalls) chunks.push(...this.#growCall(call));
    if (toolResults) for (const result of toolResults) chunks.push(...this.#answerCall(result));
    if (sources) for (const source of sources) chunks.push(...this.#cite(source));
    if (files) for (const file of files) chunks.push(...this.#show(file));
    return chunks;
  }

  /** The chunks with which the answer ends. `metadata`: what is known of it by then. */
  end(terminal: Ending, metadata: object): readonly Chunk[] {
    const closed = this.#close();
    const messageMetadata = { ...this.#metadata, ...metadata };
    if (terminal.isStopped || terminal.error) {
      const last = terminal.isStopped ? { type: "abort" } : { type: "error", errorText: terminal.error?.message };
      return [...closed, { type: "message-metadata", messageMetadata }, last];
    }
    const calls = [...this.#calls.values()];
    const areForClient = calls.some(({ isProviders }) => !isProviders);
    return [
      ...closed,
      ...calls.flatMap((call) => this.#complete(call)),
      { type: "finish-step" },
      { type: "finish", finishReason: finishReasonOf(terminal.finish, areForClient), messageMetadata },
    ];
  }

  /** Shown with the message from its start. */
  get #metadata() {
    const { stream, model, route } = this.#facts;
    return { stream, model, route };
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

  #cite(source: Source): readonly Chunk[] {
    const key = source.type === "url" ? source.url : source.id;
    if (this.#sources.has(key) || this.#sources.size >= MAX_SOURCES) return [];
    const sourceId = `${this.#facts.stream}-${this.#sources.size}`;
    this.#sources.add(key);
    return [sourceChunk(source, sourceId)];
  }

  /** The text after a file is a part of its own, so that the file stands where the model put it. */
  #show({ mimeType, base64 }: MadeFile): readonly Chunk[] {
    return [...this.#close(), { type: "file", mediaType: mimeType, url: `data:${mimeType};base64,${base64}` }];
  }

  #growCall(delta: ToolCallDelta): readonly Chunk[] {
    const { index, id, name, arguments: json = "", isProviders = false } = delta;
    const call: ToolCall = this.#calls.get(index) ?? { ...NEW_CALL, index, isProviders };
    if (call.isComplete) return [];
    this.#calls.set(index, call);
    call.id ??= id;
    call.name ??= name;
    call.json += json;
    call.signature ??= delta.signature;
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

  /** A tool has run at the provider. Results of other tools are not its to send. */
  #answerCall({ id, output }: ToolResult): readonly Chunk[] {
    const call = [...this.#calls.values()].find((one) => one.id === id && one.begun && one.isProviders);
    if (!call) return [];
    const result = { type: "tool-output-available", toolCallId: call.id, output, providerExecuted: true };
    return [...this.#complete(call), result];
  }

  /** Only now does the client run the tool. */
  #complete(call: ToolCall): readonly Chunk[] {
    if (call.isComplete) return [];
    call.isComplete = true;
    const begun = call.begun ? [] : this.#beginCall(call);
    const input = inputOf(call.json);
    const naming = this.#naming(call);
    if (input !== undefined) return [...begun, { type: "tool-input-available", ...naming, input }];
    const errorText = "the model's arguments are not a JSON object";
    return [...begun, { type: "tool-input-error", ...naming, input: call.json, errorText }];
  }

  #naming(call: ToolCall) {
    const toolName = call.name ?? "unnamed";
    return {
      toolCallId: call.id,
      toolName,
      ...(call.signature !== undefined && { providerMetadata: { google: { thoughtSignature: call.signature } } }),
      ...((call.isProviders || !this.#facts.tools.has(toolName)) && { dynamic: true }),
      ...(call.isProviders && { providerExecuted: true }),
    };
  }
}

const NEW_CALL = { id: undefined, name: undefined, json: "", begun: false, isComplete: false } as const;

function sourceChunk(source: Source, sourceId: string): Chunk {
  const { title } = source;
  if (source.type === "url") return { type: "source-url", sourceId, url: source.url, ...(title && { title }) };
  const { mimeType: mediaType, fileName: filename } = source;
  return { type: "source-document", sourceId, mediaType, title, ...(filename && { filename }) };
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
