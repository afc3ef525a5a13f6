import { setTimeout } from "node:timers/promises";
import { WebSocket } from "ws";
import type { Random } from "../../../src/demo/random.ts";
import { readEvents } from "../clients/frame-text.ts";
import type { Flood } from "../upstreams/flood-upstream.ts";
import type { History } from "./history.ts";

/** A node that clients may use. */
export interface ClientNode {
  /** One life of it. */
  readonly name: string;
  readonly url: string;
}

/** What a client is made of. */
export interface ResumingClientParts {
  /** Nodes that a load balancer would name now. */
  readonly nodes: () => readonly ClientNode[];
  readonly random: Random;
  readonly history: History;
  /** Mean number of events until it cuts its own socket and reads on elsewhere. */
  readonly cutEvery: number;
  /** After so many milliseconds without a frame it takes the socket for dead, but listens on. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
  readonly token?: string | undefined;
  /** Called with the node once it has accepted the stream. */
  readonly opened?: (node: ClientNode) => void;
}

/** Between two tries, in milliseconds. */
const AGAIN_MS = 100;
/** How long it listens for what must not come after the end, in milliseconds. */
const LINGER_MS = 300;
/** Refusals after which it makes sense to ask another node. */
const PASSING = new Set(["shutting_down", "overloaded", "cluster_unavailable", "rate_limited", "store_unavailable"]);

/** How the reading of one socket ended: `unknown`, an open was not answered. */
type Leave = "over" | "again" | "refused" | "unknown";

/** A client of one stream: reads on at a random other node whenever its socket dies, and writes down all it sees. */
export class ResumingClient {
  readonly #parts: ResumingClientParts;
  readonly #flood: Flood;
  #stream = "";
  #last = 0;
  #node: ClientNode | undefined;

  constructor(flood: Flood, parts: ResumingClientParts) {
    this.#flood = flood;
    this.#parts = parts;
  }

  /** Opens the stream and reads it to its end. Resolves when it has ended, cannot be opened or read on, or the time is over. */
  async run(): Promise<void> {
    const { signal, random } = this.#parts;
    while (!signal.aborted) {
      const node = this.#choose();
      this.#node = node;
      const leave = node ? await new Reading(node, this.#flood, this.#parts, this).over : "again";
      if (leave !== "again") return;
      await setTimeout(AGAIN_MS * random());
    }
  }

  get stream(): string {
    return this.#stream;
  }

  get last(): number {
    return this.#last;
  }

  accepted(stream: string): void {
    this.#stream = stream;
  }

  read(seq: number): void {
    this.#last = Math.max(this.#last, seq);
  }

  #choose(): ClientNode | undefined {
    const { nodes, random } = this.#parts;
    const all = nodes();
    const others = all.filter(({ name }) => name !== this.#node?.name);
    const some = others.length > 0 ? others : all;
    return some[Math.floor(random() * some.length)];
  }
}

/** One socket of a client. */
class Reading {
  readonly over: Promise<Leave>;
  readonly #node: ClientNode;
  readonly #parts: ResumingClientParts;
  readonly #client: ResumingClient;
  readonly #ws: WebSocket;
  readonly #resolve: (leave: Leave) => void;
  #leave: Leave = "again";
  /** The client has given this socket up, and reads on elsewhere. */
  #isLeft = false;
  #silence: NodeJS.Timeout | undefined;

  constructor(node: ClientNode, flood: Flood, parts: ResumingClientParts, client: ResumingClient) {
    this.#node = node;
    this.#parts = parts;
    this.#client = client;
    const { promise, resolve } = Promise.withResolvers<Leave>();
    this.over = promise;
    this.#resolve = resolve;
    const { signal, history, token } = parts;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const ws = new WebSocket(`${node.url.replace("http", "ws")}/v1/stream`, ["sluice.v1"], { headers });
    this.#ws = ws;
    const stop = () => ws.terminate();
    signal.addEventListener("abort", stop);
    this.#listen();
    ws.on("error", () => {});
    ws.on("close", (code) => {
      signal.removeEventListener("abort", stop);
      clearTimeout(this.#silence);
      history.add({ what: "closed", code, isLeft: this.#isLeft });
      resolve(this.#leave);
    });
    ws.on("open", () => {
      const { stream, last } = client;
      const isOpen = stream === "";
      history.add({ what: isOpen ? "open" : "resume", node: node.name, after: last });
      // Nobody knows whether an open without an answer was one.
      if (isOpen) this.#leave = "unknown";
      const open = { type: "open", id: "a", model: "gpt", flow: "none", body: { ...flood, messages: [] } };
      const resume = { type: "resume", id: "a", stream, epoch: 1, after: last, flow: "none" };
      ws.send(JSON.stringify(isOpen ? open : resume));
    });
    ws.on("message", (bytes) => {
      this.#listen();
      this.#take(String(bytes));
    });
  }

  #listen(): void {
    clearTimeout(this.#silence);
    if (this.#isLeft) return;
    this.#silence = globalThis.setTimeout(() => {
      this.#isLeft = true;
      this.#parts.history.add({ what: "silent" });
      this.#resolve(this.#leave);
    }, this.#parts.silenceMs);
  }

  #take(text: string): void {
    const { history, random, cutEvery, opened } = this.#parts;
    const isLeft = this.#isLeft;
    const events = readEvents(text)?.events;
    for (const { seq, payload } of events ?? []) {
      history.add({ what: "event", node: this.#node.name, seq, data: payload, isLeft });
      if (!isLeft) this.#client.read(seq);
      if (this.#leave === "again" && random() * cutEvery < 1) this.#ws.terminate();
    }
    if (events) return;
    const frame = JSON.parse(text);
    if (frame.type === "opened") {
      this.#leave = "again";
      this.#client.accepted(frame.stream);
      history.add({ what: "opened", stream: frame.stream });
      opened?.(this.#node);
    } else if (frame.type === "resumed") history.add({ what: "resumed", after: frame.after });
    else if (frame.type === "going_away") {
      // An open under way is still answered.
      if (this.#leave === "again") this.#ws.close();
    } else if (frame.type === "end") {
      const { status, lastSeq, error } = frame;
      const { source } = frame.usage;
      history.add({ what: "end", status, lastSeq, code: error?.code, retryable: error?.retryable, source, isLeft });
      this.#goSoon("over", LINGER_MS);
    } else if (frame.type === "error" || frame.type === "detached") {
      const code: string = frame.code ?? frame.error.code;
      const what = frame.type === "error" ? "refused" : "detached";
      history.add({ what, code, reason: frame.error?.details?.reason, isLeft });
      this.#goSoon(frame.type === "detached" || PASSING.has(code) ? "again" : "refused", AGAIN_MS);
    }
  }

  /** Leaves after so many milliseconds: until then it listens for what must not come. */
  #goSoon(how: Leave, afterMs: number): void {
    this.#leave = how;
    clearTimeout(this.#silence);
    void setTimeout(afterMs).then(() => this.#ws.terminate());
  }
}
