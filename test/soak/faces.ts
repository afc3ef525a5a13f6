import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import type { WebSocket } from "ws";
import { png } from "../support/browser/png.ts";
import { OpenClawClient } from "../support/openclaw/openclaw-client.ts";
import { connect } from "./clients.ts";
import { type Figure, MIB, type Scenario } from "./report.ts";
import { type Stage, setDemoStage } from "./stage.ts";

/** On one socket of the stream face. */
const STREAMS = 32;
const PROMPT = "tell me something [[150x5]]";
const messages = [{ role: "user", content: PROMPT }];
/** A small picture: as base64, 300 KB. */
const PICTURE = Buffer.concat([png(2, [40, 160, 90]), Buffer.alloc(225_000, "picture")]).toString("base64");
/** Conversations that take turns and grow. */
const SESSIONS = 40;
const SAMPLE_MS = 5_000;
/** From this length of a half on, memory is steady. In the first minutes the heap still grows to its size, which is no leak. */
const STEADY_SECONDS = 240;

/** Ten minutes of every face at once: finished streams must leave nothing behind. */
export const faces: Scenario = {
  name: "faces",
  about: "every face at once, twice as long: what the second half of the time adds to memory",
  async run({ halfSeconds = 300 }) {
    await using stage = await setDemoStage();
    const clients = new Clients(stage);
    const halves: number[] = [];
    const startedAt = performance.now();
    for (const half of [1, 2]) halves.push(await restingRss(stage, startedAt, half * halfSeconds * 1_000));
    await clients.stop();
    const left = await stage.settled(20_000);
    const [first = 0, second = 0] = halves;
    const growth = halfSeconds >= STEADY_SECONDS ? 1.05 : 1.15;
    const figures: Figure[] = [
      { name: "streams", value: clients.ended, unit: "", atLeast: 1 },
      { name: "faults of the clients", value: clients.faults.length, unit: "", atMost: 0 },
      { name: "memory (RSS) after the first half", value: first / MIB, unit: "MiB", atMost: 350 },
      { name: "memory (RSS) after the second half", value: second / MIB, unit: "MiB", atMost: (first / MIB) * growth },
      { name: "sluice_log_bytes when all is over", value: left, unit: "", atMost: 0 },
    ];
    for (const fault of clients.faults.slice(0, 10)) console.log(`  ${fault}`);
    return figures;
  },
};

/** The least memory in the last quarter of the time up to `untilMs`, because uncollected garbage comes and goes. */
async function restingRss(stage: Stage, startedAt: number, untilMs: number): Promise<number> {
  const samples: number[] = [];
  const elapsed = () => performance.now() - startedAt;
  while (elapsed() < untilMs) {
    await setTimeout(Math.min(SAMPLE_MS, untilMs - elapsed()));
    samples.push(stage.rss());
  }
  return Math.min(...samples.slice(-Math.ceil(samples.length / 4)));
}

/** One client of each kind; each starts over when an answer ends. */
class Clients {
  ended = 0;
  readonly faults: string[] = [];
  readonly #url: string;
  readonly #running: Promise<void>[];
  #stopping = false;
  #ids = 0;

  constructor(stage: Stage) {
    this.#url = stage.gateway.url;
    const api = (path: string, body: object) =>
      [true, false].map((stream) => this.#repeat(() => this.#post(path, { ...body, stream })));
    this.#running = [
      this.#streams(),
      this.#repeat(() => this.#read("events?after=0")),
      this.#repeat(() => this.#poll()),
      this.#chats(),
      ...api("/v1/messages", { model: "demo", max_tokens: 400, messages }),
      ...api("/v1/chat/completions", { model: "demo-chat", messages }),
      ...api("/v1/responses", { model: "demo-responses", input: PROMPT }),
    ];
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  async #repeat(work: () => Promise<void>): Promise<void> {
    while (!this.#stopping) {
      await work().then(
        () => this.ended++,
        (error: unknown) => this.faults.push(String(error)),
      );
    }
  }

  async #post(path: string, body: object): Promise<void> {
    const headers = { "content-type": "application/json" };
    const response = await fetch(this.#url + path, { method: "POST", headers, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 200)}`);
  }

  /** Many streams on one socket, each acknowledged to its end. */
  async #streams(): Promise<void> {
    const ws = await connect(this.#url);
    let open = 0;
    const begin = () => {
      open++;
      openDemo(ws, `s${++this.#ids}`);
    };
    for (let at = 0; at < STREAMS; at++) begin();
    let received = 0;
    ws.on("message", (data) => {
      received++;
      const frame = JSON.parse(String(data));
      if (frame.type === "error") this.faults.push(String(data).slice(0, 200));
      const seq = frame.type === "end" ? frame.lastSeq : frame.seq;
      if (frame.type !== "end" && !(seq % 32 === 0)) return;
      ws.send(JSON.stringify({ type: "ack", received, streams: { [frame.id]: seq } }));
      if (frame.type !== "end") return;
      open--;
      this.ended++;
      if (!this.#stopping) begin();
      else if (open === 0) ws.close(1000);
    });
    await once(ws, "close");
  }

  /** Opens a stream, leaves it, and returns its name for reading over HTTP. */
  async #parked(): Promise<string> {
    const ws = await connect(this.#url);
    const opened = new Promise<string>((resolve) => {
      ws.on("message", (data) => {
        const frame = JSON.parse(String(data));
        if (frame.type === "opened") resolve(frame.stream);
      });
    });
    openDemo(ws, "a");
    const stream = await opened;
    ws.terminate();
    return stream;
  }

  async #read(query: string): Promise<void> {
    const response = await fetch(`${this.#url}/v1/streams/${await this.#parked()}/${query}`);
    if (!(await response.text()).includes("sluice.end")) throw new Error("an event stream without its end");
  }

  async #poll(): Promise<void> {
    const stream = await this.#parked();
    for (let after = 0; ; ) {
      const response = await fetch(`${this.#url}/v1/streams/${stream}/events?wait=5s&after=${after}`);
      const { events, end } = (await response.json()) as { events: { seq: number }[]; end?: object };
      after = events.at(-1)?.seq ?? after;
      if (end && events.length === 0) return;
    }
  }

  /** One chat after another, in conversations that take turns; every fifth with a picture. */
  async #chats(): Promise<void> {
    const client = await OpenClawClient.dial(this.#url.replace("http", "ws"));
    await client.connect();
    await this.#repeat(async () => {
      const runId = `r${++this.#ids}`;
      const picture = [{ type: "image", mimeType: "image/png", content: PICTURE }];
      const attachments = this.#ids % 5 === 0 ? { attachments: picture } : {};
      const sessionKey = `chat-${this.#ids % SESSIONS}`;
      await client.request("chat.send", { sessionKey, message: PROMPT, idempotencyKey: runId, ...attachments });
      await client.ended(runId);
      // The client's own memory is not measured.
      client.frames.length = client.events.length = 0;
    });
    client.hangUp();
  }
}

const openDemo = (ws: WebSocket, id: string): void =>
  ws.send(JSON.stringify({ type: "open", id, model: "demo-chat", body: { messages } }));
