import { randomUUID } from "node:crypto";
import { LeanWebSocket, type WebSocketListener } from "./wire/web-socket.ts";

const PROTOCOL_VERSION = 4;
/** The stamps in the upstream's text: key, number, time. */
const STAMPS = /\d{8}-(\d{8})-(\d{15})/g;

/** The result of one turn. */
export interface ChatTurn {
  firstStampUs: number | undefined;
  firstSeenUs: number;
  lastSeq: number;
  lastStampUs: number;
  lastSeenUs: number;
  textFrames: number;
  bytes: number;
  characters: number;
}

interface Running extends ChatTurn {
  text: string;
  readonly end: (turn: ChatTurn) => void;
}

interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly ok?: boolean;
  readonly event?: string;
  readonly error?: { readonly message?: string };
  readonly payload?: ChatPayload;
}

interface ChatPayload {
  readonly runId?: string;
  readonly state?: string;
  readonly deltaText?: string;
  readonly replace?: boolean;
  readonly message?: { readonly content?: readonly { readonly text?: string }[] };
}

/** A chat client of OpenClaw's gateway protocol, like its command line. */
export class ChatSocket implements WebSocketListener {
  readonly #token: string | undefined;
  readonly #turns = new Map<string, Running>();
  #ws: LeanWebSocket | undefined;
  #connected: { resolve: () => void; reject: (error: Error) => void } | undefined;

  private constructor(token: string | undefined) {
    this.#token = token;
  }

  static async open(url: string, token: string | undefined): Promise<ChatSocket> {
    const socket = new ChatSocket(token);
    socket.#ws = await LeanWebSocket.open(new URL(url), undefined, {}, socket);
    await socket.#connect();
    return socket;
  }

  /** Sends a message and resolves when its turn has ended in any way. */
  send(message: string, session: string): Promise<ChatTurn> {
    const runId = randomUUID();
    const params = { sessionKey: `agent:main:${session}`, message, deliver: false, idempotencyKey: runId };
    return new Promise((end) => {
      const nothing = { firstStampUs: undefined, firstSeenUs: 0, lastSeq: 0, lastStampUs: 0, lastSeenUs: 0 };
      this.#turns.set(runId, { ...nothing, textFrames: 0, bytes: 0, characters: 0, text: "", end });
      this.#request(runId, "chat.send", params);
    });
  }

  message(buffer: Buffer, start: number, end: number): void {
    const frame = JSON.parse(buffer.toString("utf8", start, end)) as Frame;
    if (frame.type === "res" && frame.id === "connect") {
      if (frame.ok) this.#connected?.resolve();
      else this.#connected?.reject(new Error(frame.error?.message ?? "refused"));
    } else if (frame.type === "res" && !frame.ok) this.#over(frame.id ?? "");
    else this.#event(frame, end - start);
  }

  closed(reason: string): void {
    this.#connected?.reject(new Error(reason));
    for (const runId of this.#turns.keys()) this.#over(runId);
  }

  #connect(): Promise<void> {
    const client = { id: "cli", version: "1", platform: process.platform, mode: "cli" };
    return new Promise((resolve, reject) => {
      this.#connected = { resolve, reject };
      this.#request("connect", "connect", {
        minProtocol: PROTOCOL_VERSION,
        maxProtocol: PROTOCOL_VERSION,
        client,
        role: "operator",
        scopes: ["operator.read", "operator.write"],
        ...(this.#token !== undefined && { auth: { token: this.#token } }),
      });
    });
  }

  #request(id: string, method: string, params: object): void {
    this.#ws?.send(JSON.stringify({ type: "req", id, method, params }));
  }

  #event({ event, payload }: Frame, bytes: number): void {
    // `agent` events repeat the run's text: count their bytes, not their text.
    const turn = this.#turns.get(payload?.runId ?? "");
    if (!turn || !payload) return;
    turn.bytes += bytes;
    if (event !== "chat") return;
    const whole = payload.message?.content?.map(({ text }) => text ?? "").join("");
    const text = whole ?? (payload.replace ? payload.deltaText : `${turn.text}${payload.deltaText ?? ""}`) ?? turn.text;
    if (text.length > turn.text.length) this.#newText(turn, text);
    if (payload.state === "final" || payload.state === "error" || payload.state === "aborted") {
      this.#over(payload.runId ?? "");
    }
  }

  #newText(turn: Running, text: string): void {
    const seenUs = this.#ws?.readAtUs ?? 0;
    const stamps = [...text.slice(Math.max(0, turn.text.length - 40)).matchAll(STAMPS)];
    turn.text = text;
    turn.textFrames++;
    turn.characters = text.length;
    const newest = stamps.at(-1);
    if (!newest || Number(newest[1]) <= turn.lastSeq) return;
    if (turn.firstStampUs === undefined) {
      turn.firstStampUs = Number(stamps[0]?.[2]);
      turn.firstSeenUs = seenUs;
    }
    turn.lastSeq = Number(newest[1]);
    turn.lastStampUs = Number(newest[2]);
    turn.lastSeenUs = seenUs;
  }

  #over(runId: string): void {
    const turn = this.#turns.get(runId);
    this.#turns.delete(runId);
    turn?.end(turn);
  }
}
