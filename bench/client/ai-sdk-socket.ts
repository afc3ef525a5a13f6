import type { Socket } from "node:net";
import { writePlan } from "../payload/plan.ts";
import { targetFor } from "./asked.ts";
import type { Target } from "./job.ts";
import type { LoadStream } from "./load-stream.ts";
import { LeanWebSocket, type WebSocketListener } from "./wire/web-socket.ts";

interface ServerFrame {
  readonly type: string;
  readonly requestId: string;
  readonly sequence?: number;
  readonly chunk?: { readonly type: string; readonly delta?: string; readonly errorText?: string };
  readonly errorText?: string;
}

/** One socket of the AI SDK's chat, and the requests on it. */
export class AiSdkSocket implements WebSocketListener {
  readonly #target: Target;
  readonly #streams = new Map<string, { readonly stream: LoadStream; sequence: number }>();
  #ws: LeanWebSocket | undefined;

  private constructor(target: Target) {
    this.#target = target;
  }

  static async open(target: Target): Promise<AiSdkSocket> {
    const socket = new AiSdkSocket(target);
    socket.#ws = await LeanWebSocket.open(new URL(target.url), undefined, target.headers ?? {}, socket);
    return socket;
  }

  get socket(): Socket {
    if (!this.#ws) throw new Error("not connected");
    return this.#ws.socket;
  }

  start(stream: LoadStream): void {
    const requestId = String(stream.plan.key);
    this.#streams.set(requestId, { stream, sequence: 0 });
    const { model = "bench" } = targetFor(this.#target, stream.plan);
    const text = JSON.stringify({
      type: "send",
      requestId,
      id: `chat-${requestId}`,
      trigger: "submit-message",
      messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: writePlan(stream.plan) }] }],
      headers: {},
      body: { model },
    });
    stream.started();
    this.#ws?.send(text);
  }

  cancel(stream: LoadStream): void {
    this.#ws?.send(JSON.stringify({ type: "abort", requestId: String(stream.plan.key) }));
  }

  destroy(): void {
    for (const { stream } of this.#streams.values()) stream.drop();
    this.#ws?.destroy();
  }

  closed(reason: string): void {
    for (const { stream } of this.#streams.values()) stream.end(reason);
    this.#streams.clear();
  }

  message(buffer: Buffer, start: number, end: number): void {
    const { type, requestId, sequence, chunk, errorText }: ServerFrame = JSON.parse(
      buffer.toString("utf8", start, end),
    );
    const held = this.#streams.get(requestId);
    if (!held) return;
    if (type === "chunk") {
      // The gateway's own numbers must be contiguous too.
      if (sequence !== held.sequence++) held.stream.end(`sequence ${sequence}, not ${held.sequence - 1}`);
      if (chunk?.type === "text-delta") held.stream.text(chunk.delta ?? "", this.#ws?.readAtUs ?? 0);
      // It was stopped, so its end is not too early.
      else if (chunk?.type === "abort") held.stream.drop();
      else if (chunk?.type === "error") held.stream.end(chunk.errorText);
    } else if (type === "end" || type === "error") {
      this.#streams.delete(requestId);
      held.stream.end(type === "error" ? errorText : undefined);
    }
  }
}
