/** The Responses socket and the AI SDK's chat as one table, for tests of what holds on both. */
import { WebSocket } from "ws";
import type { DialectName } from "../../../protocol/dialects.ts";
import type { ScriptedExchange } from "../upstreams/scripted-upstream.ts";

type Frame = Readonly<Record<string, unknown>>;

/** How an answer ended for its client; `refused` before it began, `cut` by a cap. */
export interface Ending {
  readonly as: "completed" | "cancelled" | "failed" | "refused" | "cut";
  readonly message: string;
}

/** One of the faces: the words of its clients, of its server, and of a provider behind it. */
export interface SocketFace {
  /** In logs and metrics. */
  readonly name: "responses-socket" | "ai-sdk";
  readonly path: string;
  /** Of the route it is tested with. */
  readonly dialect: DialectName;
  /** Fields of `ask` that name another model than the test gateway's. */
  naming(model: string): Frame;
  /** A request for an answer under a name that its frames repeat. */
  ask(id: string, fields?: Frame): Frame;
  stop(id: string): Frame;
  /** Whose frame it is. */
  idOf(frame: Frame): unknown;
  /** The text that a frame adds to an answer. */
  textOf(frame: Frame): string;
  endingOf(frame: Frame): Ending | undefined;
  /** The provider begins, says something, says that it is complete, and calls a tool instead. */
  begin(exchange: ScriptedExchange): ScriptedExchange;
  say(exchange: ScriptedExchange, text: string): ScriptedExchange;
  finish(exchange: ScriptedExchange, usage?: boolean): ScriptedExchange;
  call(exchange: ScriptedExchange): ScriptedExchange;
  /** The request that brings the tool's result under a name, after a request under another one. */
  result(id: string, before: string): Frame;
}

/** What a provider reports at the end. */
export const USAGE = { inputTokens: 30, outputTokens: 20 };
/** Sent by `ask`, unless its fields say otherwise. */
export const MAX_OUTPUT_TOKENS = 400;

const response = (fields: object) => ({ response: { id: "resp_1", object: "response", ...fields } });
const responsesUsage = { usage: { input_tokens: USAGE.inputTokens, output_tokens: USAGE.outputTokens } };
const functionCall = { type: "function_call", call_id: "call_1", name: "look", arguments: "{}" };

const responses: SocketFace = {
  name: "responses-socket",
  path: "/v1/responses",
  dialect: "openai-responses",
  naming: (model) => ({ model }),
  ask: (id, fields) => ({
    type: "response.create",
    model: "responses",
    store: false,
    stream_id: id,
    input: "Hello there",
    max_output_tokens: MAX_OUTPUT_TOKENS,
    ...fields,
  }),
  stop: (id) => ({ type: "response.cancel", stream_id: id }),
  idOf: (frame) => frame.stream_id,
  textOf: ({ type, delta }) => (type === "response.output_text.delta" ? String(delta) : ""),
  endingOf({ type, response, error }) {
    const { code, message = "" } = ((response as Frame | undefined)?.error ?? error ?? {}) as Record<string, string>;
    if (type === "response.completed") return { as: "completed", message };
    if (type === "response.incomplete") return { as: "cut", message };
    if (type === "response.failed") return { as: code === "cancelled" ? "cancelled" : "failed", message };
    return type === "error" ? { as: "refused", message } : undefined;
  },
  begin: (exchange) => exchange.sse().event({ type: "response.created", sequence_number: 0, ...response({}) }),
  say: (exchange, delta) => exchange.event({ type: "response.output_text.delta", delta, sequence_number: 1 }),
  finish: (exchange, usage = true) =>
    exchange.event({ type: "response.completed", ...response({ output: [], ...(usage && responsesUsage) }) }).end(),
  call: (exchange) =>
    exchange
      .event({ type: "response.output_item.done", output_index: 0, item: functionCall })
      .event({ type: "response.completed", ...response({ output: [functionCall], ...responsesUsage }) })
      .end(),
  result: (id) =>
    responses.ask(id, {
      previous_response_id: "resp_1",
      input: [{ type: "function_call_output", call_id: "call_1", output: "seen" }],
    }),
};

const said = (delta: object, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason }],
});
const chatUsage = {
  choices: [],
  usage: { prompt_tokens: USAGE.inputTokens, completion_tokens: USAGE.outputTokens, total_tokens: 50 },
};
const user = { id: "m1", role: "user", parts: [{ type: "text", text: "Hello there" }] };

const aiSdk: SocketFace = {
  name: "ai-sdk",
  path: "/v1/chat",
  dialect: "openai-chat",
  naming: (model) => ({ body: { model, options: { max_tokens: MAX_OUTPUT_TOKENS } } }),
  ask: (requestId, fields) => ({
    type: "send",
    requestId,
    id: `chat-${requestId}`,
    trigger: "submit-message",
    messages: [user],
    headers: {},
    ...aiSdk.naming("gpt"),
    ...fields,
  }),
  stop: (requestId) => ({ type: "abort", requestId }),
  idOf: (frame) => frame.requestId,
  textOf: ({ chunk }) => {
    const { type, delta } = (chunk ?? {}) as Frame;
    return type === "text-delta" ? String(delta) : "";
  },
  endingOf({ type, chunk, errorText }) {
    if (type === "error") return { as: "refused", message: String(errorText) };
    const last = (chunk ?? {}) as Frame;
    if (last.type === "finish") return { as: last.finishReason === "length" ? "cut" : "completed", message: "" };
    if (last.type === "abort") return { as: "cancelled", message: "" };
    return last.type === "error" ? { as: "failed", message: String(last.errorText) } : undefined;
  },
  begin: (exchange) => exchange.sse().event(said({ role: "assistant" })),
  say: (exchange, content) => exchange.event(said({ content })),
  finish: (exchange, usage = true) => {
    exchange.event(said({}, "stop"));
    return (usage ? exchange.event(chatUsage) : exchange).event("[DONE]").end();
  },
  call: (exchange) =>
    exchange
      .event(said({ tool_calls: [{ index: 0, id: "call_1", function: { name: "look", arguments: "{}" } }] }))
      .event(said({}, "tool_calls"))
      .event(chatUsage)
      .event("[DONE]")
      .end(),
  result: (id, before) => {
    const called = { toolCallId: "call_1", state: "output-available", input: {}, output: "seen" };
    const assistant = { id: "m2", role: "assistant", parts: [{ type: "tool-look", ...called }] };
    return aiSdk.ask(id, { id: `chat-${before}`, messages: [user, assistant] });
  },
};

/** By their names in the log. */
export const SOCKET_FACES = [
  [responses.name, responses],
  [aiSdk.name, aiSdk],
] as const;

/** A client of either face that keeps every frame. */
export class FaceClient implements Disposable {
  readonly face: SocketFace;
  readonly ws: WebSocket;
  readonly frames: Frame[] = [];
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  #changed = Promise.withResolvers<void>();
  #isClosed = false;

  private constructor(face: SocketFace, ws: WebSocket) {
    this.face = face;
    this.ws = ws;
    ws.on("error", () => {});
    ws.on("message", (data) => {
      this.frames.push(JSON.parse(data.toString()));
      this.#change();
    });
    this.closed = new Promise((resolve) => {
      ws.on("close", (code) => {
        this.#isClosed = true;
        this.#change();
        resolve(code);
      });
    });
  }

  static async connect(face: SocketFace, gatewayUrl: string, token?: string, autoPong = true): Promise<FaceClient> {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const ws = new WebSocket(gatewayUrl.replace("http", "ws") + face.path, { headers, autoPong });
    const client = new FaceClient(face, ws);
    await new Promise((resolve, reject) => {
      ws.once("open", resolve);
      ws.once("error", reject);
    });
    return client;
  }

  send(frame: Frame | string): void {
    this.ws.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  ask(id: string, fields?: Frame): void {
    this.send(this.face.ask(id, fields));
  }

  /** The text of an answer so far. */
  said(id: string): string {
    return this.#of(id).map(this.face.textOf).join("");
  }

  endings(id?: string): readonly Ending[] {
    return this.#of(id).flatMap((frame) => this.face.endingOf(frame) ?? []);
  }

  /** Resolves when the condition holds, looked at after every frame; rejects if the socket closes before. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#isClosed) throw new Error(`the socket closed after ${JSON.stringify(this.frames.slice(-2))}`);
      await this.#changed.promise;
    }
  }

  /** How the answer ends that its client waits for. */
  async end(id: string): Promise<Ending> {
    await this.until(() => this.endings(id).length > 0);
    return this.endings(id)[0] as Ending;
  }

  [Symbol.dispose](): void {
    this.ws.terminate();
  }

  #of(id: string | undefined): readonly Frame[] {
    return id === undefined ? this.frames : this.frames.filter((frame) => this.face.idOf(frame) === id);
  }

  #change(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers();
    changed.resolve();
  }
}
