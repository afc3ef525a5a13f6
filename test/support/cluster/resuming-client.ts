import { setTimeout } from "node:timers/promises";
import { WebSocket } from "ws";
import type { Random } from "../../../src/demo/random.ts";
import type { Flood } from "../flood-upstream.ts";
import { readEvents } from "../frame-text.ts";
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
  readonly signal: AbortSignal;
  readonly token?: string;
  /** Called with the node once it has accepted the stream. */
  readonly opened?: (node: ClientNode) => void;
}

/** Between two tries, in milliseconds. */
const AGAIN_MS = 100;
/** How long it listens for what must not come after the end, in milliseconds. */
const LINGER_MS = 300;
/** Refusals after which it makes sense to ask another node. */
const PASSING = new Set(["shutting_down", "overloaded", "cluster_unavailable", "rate_limited", "store_unavailable"]);

/** How the reading of one socket ended. */
type Leave = "over" | "closed" | "refused";

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
    while (!this.#parts.signal.aborted) {
      const leave = await this.#read();
      if (leave !== "closed") return;
      // Nobody knows whether an open without an answer was one.
      if (this.#stream === "") return;
      await setTimeout(AGAIN_MS * this.#parts.random());
    }
  }

  #choose(): ClientNode | undefined {
    const { nodes, random } = this.#parts;
    const all = nodes();
    const others = all.filter(({ name }) => name !== this.#node?.name);
    const some = others.length > 0 ? others : all;
    return some[Math.floor(random() * some.length)];
  }

  #read(): Promise<Leave> {
    const node = this.#choose();
    if (!node) return Promise.resolve("closed");
    this.#node = node;
    const { history, signal, token, cutEvery, random, opened } = this.#parts;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const ws = new WebSocket(`${node.url.replace("http", "ws")}/v1/stream`, ["sluice.v1"], { headers });
    const { promise, resolve } = Promise.withResolvers<Leave>();
    let leave: Leave = "closed";
    const stop = () => ws.terminate();
    signal.addEventListener("abort", stop);
    const leaveSoon = (how: Leave, afterMs: number) => {
      leave = how;
      void setTimeout(afterMs).then(stop);
    };
    ws.on("error", () => {});
    ws.on("close", (code) => {
      signal.removeEventListener("abort", stop);
      history.add({ what: "closed", code });
      resolve(leave);
    });
    ws.on("open", () => {
      const isOpen = this.#stream === "";
      history.add({ what: isOpen ? "open" : "resume", node: node.name, after: this.#last });
      ws.send(JSON.stringify(isOpen ? this.#openFrame() : this.#resumeFrame()));
    });
    ws.on("message", (bytes) => {
      const text = String(bytes);
      const events = readEvents(text)?.events;
      for (const { seq, payload } of events ?? []) {
        history.add({ what: "event", seq, data: payload });
        this.#last = Math.max(this.#last, seq);
        if (leave === "closed" && random() * cutEvery < 1) ws.terminate();
      }
      if (events) return;
      const frame = JSON.parse(text);
      if (frame.type === "opened") {
        this.#stream = frame.stream;
        history.add({ what: "opened", stream: frame.stream });
        opened?.(node);
      } else if (frame.type === "resumed") history.add({ what: "resumed", after: frame.after });
      else if (frame.type === "going_away") ws.close();
      else if (frame.type === "end") {
        const { status, lastSeq, error, usage } = frame;
        const { source } = usage;
        history.add({ what: "end", status, lastSeq, code: error?.code, retryable: error?.retryable, source });
        leaveSoon("over", LINGER_MS);
      } else if (frame.type === "error" || frame.type === "detached") {
        const code: string = frame.code ?? frame.error.code;
        const what = frame.type === "error" ? "refused" : "detached";
        history.add({ what, code, reason: frame.error?.details?.reason });
        leaveSoon(frame.type === "detached" || PASSING.has(code) ? "closed" : "refused", AGAIN_MS);
      }
    });
    return promise;
  }

  #openFrame() {
    return { type: "open", id: "a", model: "gpt", flow: "none", body: { ...this.#flood, messages: [] } };
  }

  #resumeFrame() {
    return { type: "resume", id: "a", stream: this.#stream, epoch: 1, after: this.#last, flow: "none" };
  }
}
