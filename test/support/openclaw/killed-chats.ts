/** Chats whose gateway is killed in mid-answer again and again, and what their client finds afterwards. */
import { randomUUID } from "node:crypto";
import { setTimeout as after } from "node:timers/promises";
import { type Random, seededRandom } from "../../../src/demo/random.ts";
import { type GatewayLives, oneGateway, severalNodes } from "../gateways/gateway-lives.ts";
import { configFor } from "../gateways/sluice-process.ts";
import { ChatScript } from "../upstreams/chat-script.ts";
import { type ScriptedExchange, type ScriptedUpstream, startScriptedUpstream } from "../upstreams/scripted-upstream.ts";
import { OpenClawClient } from "./openclaw-client.ts";

export interface KilledChatsOptions {
  readonly seed: number;
  readonly kills: number;
  /** The gateway's data directory. */
  readonly directory: string;
  /** Of a cluster of three nodes, the one that leads is killed. */
  readonly redisUrl?: string;
  /** Runs the build, not the source. */
  readonly built?: boolean;
}

export interface KilledChatsResult {
  readonly kills: number;
  readonly questions: number;
  /** Answers by how they ended. */
  readonly whole: number;
  readonly interrupted: number;
  /** Messages that waited at a kill and ran later. */
  readonly ranLater: number;
  /** Acknowledged messages that a kill took before they were stored, and that the client sent again. */
  readonly sentAgain: number;
  /** Questions that the upstream got twice, because a kill took the first run before it was stored. */
  readonly askedAgain: number;
  /** For each killed answer: how long before the kill the client had been sent what is shown of it now, in milliseconds. */
  readonly lostMs: readonly number[];
  /** For each kill: how long it took until the client was served again, in milliseconds. */
  readonly awayMs: readonly number[];
  /** What must never be, in words. */
  readonly faults: readonly string[];
}

const SESSIONS = ["one", "two", "three", "four"];
/** Of a session: one runs, the others wait. */
const MOST_OUTSTANDING = 3;
const TOKEN_MS = 15;
const MOST_TOKENS = 160;
const MOST_LIFE_MS = 3_000;
/** How long a client may take to be served again after a kill. */
const MOST_AWAY_MS = 60_000;
/** What happened longer before a kill must have been stored. */
const STORED_MS = 1_000;

/** A question, from its sending to its stored answer. */
interface Question {
  readonly runId: string;
  readonly session: string;
  /** Monotonic time of the acknowledgement in milliseconds. */
  ackedAt: number | undefined;
  /** How long the answer's text was, and when: what the client was sent. */
  readonly seen: { readonly length: number; readonly at: number }[];
  text: string;
  waitedAtKill: boolean;
  isOver: boolean;
}

type Shown = Readonly<Record<string, unknown>> & { readonly role: string; readonly content: unknown };

const numberOf = (runId: string): number => Number(runId.slice(1));
const tokenOf = (runId: string, index: number): string => `${runId}.${index} `;
/** How many tokens answer a question. */
const tokensOf = (runId: string): number => 10 + ((numberOf(runId) * 37) % MOST_TOKENS);
const wholeAnswer = (runId: string): string =>
  Array.from({ length: tokensOf(runId) }, (_, index) => tokenOf(runId, index)).join("");
/** Without the reason of a failure, which histories may show as a text of its own. */
const textOf = ({ content }: Shown): string => {
  if (typeof content === "string") return content;
  return (content as { text: string }[]).map(({ text }) => (text.startsWith("⚠️") ? "" : text)).join("");
};

/** Answers each question token by token; notes when each was asked. */
function answerAll(upstream: ScriptedUpstream, asked: Map<string, number[]>): void {
  upstream.respondWith(async (exchange: ScriptedExchange) => {
    const last = JSON.parse(exchange.body).messages.at(-1);
    const runId = JSON.stringify(last.content).match(/q\d+/g)?.at(-1) ?? "";
    asked.set(runId, [...(asked.get(runId) ?? []), performance.now()]);
    const answer = new ChatScript(exchange);
    for (let index = 0; index < tokensOf(runId) && !exchange.isClosed; index++) {
      answer.text(tokenOf(runId, index));
      await after(TOKEN_MS);
    }
    if (!exchange.isClosed) answer.finish();
  });
}

/** One client of all the lives of the gateway. */
class ChatsClient {
  readonly faults: string[] = [];
  readonly questions = new Map<string, Question>();
  readonly lostMs: number[] = [];
  sentAgain = 0;
  ranLater = 0;
  /** Ids of the messages that each session has shown, and the texts of those that were complete. */
  readonly #shown = new Map<string, Map<string, string>>();
  #client: OpenClawClient | undefined;
  #read = 0;

  outstanding(session: string): number {
    return [...this.questions.values()].filter((one) => one.session === session && !one.isOver).length;
  }

  /** Connects to a new life, checks what it shows, and sends again what it never got. */
  async connect(url: string, killedAt: number | undefined): Promise<void> {
    this.#client = await OpenClawClient.dial(url);
    this.#read = 0;
    await this.#client.connect();
    for (const session of SESSIONS) await this.#look(session, killedAt);
  }

  /** Sends a new question. Resolves when it is acknowledged. */
  async ask(session: string): Promise<void> {
    const runId = `q${this.questions.size + 1}`;
    const question = { runId, session, ackedAt: undefined, seen: [], text: "", waitedAtKill: false, isOver: false };
    this.questions.set(runId, question);
    await this.#send(question);
  }

  /** Takes what arrives until this holds. Rejects when the gateway is gone. */
  follow(holds: () => boolean): Promise<boolean> {
    return this.client.until(() => {
      this.#take();
      return holds();
    });
  }

  /** The gateway is gone: nothing more arrives. */
  async lost(): Promise<void> {
    await this.client.untilClosed();
    this.#take();
    for (const question of this.questions.values()) {
      question.waitedAtKill ||= !question.isOver && question.ackedAt !== undefined && question.seen.length === 0;
    }
  }

  get client(): OpenClawClient {
    if (!this.#client) throw new Error("not connected");
    return this.#client;
  }

  async #send(question: Question): Promise<void> {
    const { session: sessionKey, runId } = question;
    await this.client.request("chat.send", { sessionKey, message: runId, idempotencyKey: runId });
    question.ackedAt = performance.now();
  }

  #take(): void {
    const at = performance.now();
    const { events } = this.client;
    for (const { event, payload } of events.slice(this.#read)) {
      const question = event === "chat" ? this.questions.get(String(payload.runId)) : undefined;
      if (!question) continue;
      if (payload.state === "delta") {
        const text = String(payload.deltaText ?? "");
        question.text = payload.replace === true ? text : question.text + text;
        question.seen.push({ length: question.text.length, at });
      } else if (payload.state !== "status") {
        question.isOver = true;
        if (question.waitedAtKill && payload.state === "final") this.ranLater++;
      }
    }
    this.#read = events.length;
  }

  /** What is not shown in the end, though it was asked or answered. */
  missing(): readonly string[] {
    return [...this.questions.values()].flatMap(({ runId, session }) =>
      ["user", "assistant"]
        .filter((role) => !this.#shown.get(session)?.has(`${runId}:${role}`))
        .map((role) => `${runId}:${role} is missing`),
    );
  }

  /** Compares a session's history with what the client knows of it. */
  async #look(session: string, killedAt: number | undefined): Promise<void> {
    const mine = [...this.questions.values()].filter((one) => one.session === session);
    const open = mine.filter(({ isOver }) => !isOver);
    const inputRunIds = open.map(({ runId }) => runId);
    const history = await this.client.request("chat.history", {
      sessionKey: session,
      limit: 1_000,
      maxBytes: 6_000_000,
      ...(inputRunIds.length > 0 && { inputRunIds }),
    });
    const messages = history.messages as readonly Shown[];
    this.#compare(session, messages);
    const running = history.inFlightRun as { readonly runId: string } | undefined;
    const receipts = (history.inputReceipts ?? []) as readonly { readonly runId: string; readonly state: string }[];
    for (const question of open) {
      const receipt = receipts.find(({ runId }) => runId === question.runId);
      const answer = messages.find((message) => message.idempotencyKey === `${question.runId}:assistant`);
      if (answer) this.#cut(question, answer, killedAt ?? 0);
      else if (!receipt) await this.#again(question, killedAt ?? 0);
      else if (receipt.state === "consumed" && running?.runId !== question.runId) this.#abandoned(question);
    }
  }

  /** An answer that a kill has ended: it shows what the client had been sent, up to some time before. */
  #cut(question: Question, answer: Shown, killedAt: number): void {
    const text = textOf(answer);
    question.isOver = true;
    if (!wholeAnswer(question.runId).startsWith(text)) this.faults.push(`${question.runId} shows something else`);
    if (answer.stopReason === "error" && answer.errorMessage === undefined) {
      this.faults.push(`${question.runId} is not marked as interrupted`);
    }
    const missed = question.seen.find(({ length }) => length > text.length);
    this.lostMs.push(missed ? Math.max(0, killedAt - missed.at) : 0);
  }

  #abandoned(question: Question): void {
    question.isOver = true;
    this.faults.push(`${question.runId} has no answer, not even an interrupted one`);
  }

  /** A message that the gateway does not know. One acknowledged long before the kill must have been stored. */
  async #again(question: Question, killedAt: number): Promise<void> {
    if (question.ackedAt !== undefined) {
      if (killedAt - question.ackedAt > STORED_MS) this.faults.push(`${question.runId} is gone`);
      this.sentAgain++;
    }
    await this.#send(question);
  }

  /** Nothing that was shown is missing, changed or out of order, and nothing is there twice. */
  #compare(session: string, messages: readonly Shown[]): void {
    const now = new Map<string, string>();
    for (const message of messages) {
      const key = String(message.idempotencyKey);
      if (now.has(key)) this.faults.push(`${key} is there twice`);
      now.set(key, textOf(message));
    }
    const before = this.#shown.get(session) ?? new Map<string, string>();
    const kept = [...now.keys()].filter((key) => before.has(key));
    if (kept.join() !== [...before.keys()].join()) this.faults.push(`${session} shows less than before`);
    for (const [key, text] of before) {
      if (!now.get(key)?.startsWith(text)) this.faults.push(`${key} shows less than before`);
    }
    this.#shown.set(session, now);
  }
}

/** One store for all. */
function livesOf({ directory, redisUrl, built = false }: KilledChatsOptions, upstream: string, random: Random) {
  const config = configFor(upstream, { data: { store: "sqlite", directory, shared: redisUrl !== undefined } });
  if (redisUrl === undefined) return oneGateway(config, built);
  const cluster = { redis: { url: redisUrl, prefix: randomUUID().slice(0, 8) } };
  return severalNodes({ ...config, cluster, log: { level: "info", pretty: false } }, built, 3, random);
}

/** Connects the client to the next life, as soon as it serves. */
async function connected(chats: ChatsClient, lives: GatewayLives, killedAt: number | undefined): Promise<number> {
  const url = await lives.next();
  const deadline = performance.now() + MOST_AWAY_MS;
  for (;;) {
    try {
      await chats.connect(url, killedAt);
      return performance.now() - (killedAt ?? performance.now());
    } catch (error) {
      // A node that knows of no leader yet refuses clients.
      if (performance.now() > deadline || !/Unexpected server response: 503/.test(String(error))) throw error;
      await after(50);
    }
  }
}

/** Kills a gateway that often, each time after a random while, with several sessions that answer and have messages waiting. */
export async function killChats(options: KilledChatsOptions): Promise<KilledChatsResult> {
  const { seed, kills } = options;
  const random = seededRandom(seed);
  await using upstream = await startScriptedUpstream();
  const asked = new Map<string, number[]>();
  const killTimes: number[] = [];
  const awayMs: number[] = [];
  answerAll(upstream, asked);
  await using lives = livesOf(options, upstream.url, random);
  const chats = new ChatsClient();
  let killedAt: number | undefined;
  for (let life = 0; life <= kills; life++) {
    const waited = await connected(chats, lives, killedAt);
    if (life > 0) awayMs.push(waited);
    if (life === kills) {
      await chats.follow(() => SESSIONS.every((session) => chats.outstanding(session) === 0));
      break;
    }
    for (const session of SESSIONS) {
      while (chats.outstanding(session) < MOST_OUTSTANDING) await chats.ask(session);
    }
    const killed = after(random() * MOST_LIFE_MS).then(() => {
      killedAt = performance.now();
      killTimes.push(killedAt);
      lives.kill();
    });
    await chats.follow(() => false).catch(() => {});
    await killed;
    await chats.lost();
  }
  const { faults, questions, lostMs, ranLater, sentAgain } = chats;
  lives.kill();
  await connected(chats, lives, killedAt);
  const again = [...asked].filter(([, times]) => times.length > 1);
  // Each time but the last, the kill came at once.
  const isExcused = (at: number) => killTimes.some((kill) => kill > at && kill - at < STORED_MS);
  const twice = again
    .filter(([, times]) => !times.slice(0, -1).every(isExcused))
    .map(([runId, times]) => `${runId} was asked ${times.length} times`);
  return {
    kills,
    questions: questions.size,
    whole: questions.size - lostMs.length,
    interrupted: lostMs.length,
    ranLater,
    sentAgain,
    askedAgain: again.length,
    lostMs,
    awayMs,
    faults: [...faults, ...twice, ...chats.missing()],
  };
}
