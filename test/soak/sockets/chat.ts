import { setTimeout } from "node:timers/promises";
import { callId, LOOK } from "../../support/upstreams/billing-words.ts";
import { type ReadAnswer, readAnswer } from "./chat-answer.ts";
import { type Frame, Link } from "./link.ts";
import { endsWell, Plans, type Turn, wholeText } from "./plans.ts";
import type { Site } from "./site.ts";

export const FACE = "ai-sdk";
const MOST_TURNS = 6;
/** Until then an answer must be there after a cut: less than the gateway's grace and retention time. */
const SURE_MS = 4_000;
const TOOLS = [{ name: LOOK.name, parameters: { type: "object" } }];
/** Whose frame it is. */
export const nameOf = (frame: Frame) => String(frame.requestId);

type Message = { readonly id: string; readonly role: string; parts: readonly object[] };

/** An answer whose socket was cut. */
interface Unfinished {
  readonly turn: Turn;
  readonly kills: number;
  readonly read: ReadAnswer;
  /** A clock reading, in milliseconds. */
  readonly cutAt: number;
}

/** One chat, whose answers outlive the sockets they are read on. */
export class Chat {
  readonly #site: Site;
  readonly #name: string;
  readonly #key: string;
  readonly #isCapped: boolean;
  readonly #plans: Plans;
  #messages: Message[] = [];
  #texts: string[] = [];
  #turns = 0;
  #chats = 0;
  #requests = 0;
  #hasCalled = false;
  /** The stream of the chat's latest whole answer. */
  #latest: string | undefined;
  #unfinished: Unfinished | undefined;
  /** Other tabs that still read. */
  readonly #tabs = new Set<Promise<void>>();

  constructor(site: Site, name: string, key: string, isCapped: boolean) {
    this.#site = site;
    this.#name = name;
    this.#key = key;
    this.#isCapped = isCapped;
    this.#plans = new Plans(name, site.random);
  }

  get #id(): string {
    return `${this.#name}/${this.#chats}`;
  }

  async run(link: Link): Promise<void> {
    while (!link.isClosed && !this.#site.isStopping) {
      const unfinished = this.#unfinished;
      if (unfinished) await this.#resume(link, unfinished);
      else await this.#turn(link);
      await setTimeout(this.#site.below(100));
    }
  }

  async closeTabs(): Promise<void> {
    await Promise.all(this.#tabs);
  }

  #begin(): void {
    this.#messages = [];
    this.#texts = [];
    this.#turns = 0;
    this.#hasCalled = false;
    this.#chats++;
  }

  async #turn(link: Link): Promise<void> {
    const { tally, kills, random } = this.#site;
    if (this.#turns >= MOST_TURNS && !this.#hasCalled) this.#begin();
    const text = this.#hasCalled ? "seen" : this.#plans.prompt();
    if (!this.#hasCalled) {
      this.#messages.push({ id: `${this.#id}-${this.#turns}`, role: "user", parts: [{ type: "text", text }] });
    }
    const turn = this.#plans.next([...this.#texts, text]);
    const { plan, model } = turn;
    this.#texts.push(text);
    tally.expect(plan, this.#texts);
    tally.count("turns", FACE);
    const requestId = this.#nextRequest();
    const body = { model, tools: TOOLS, options: { plan, max_tokens: 20_000 } };
    const ids = { requestId, id: this.#id, headers: { authorization: `Bearer ${this.#key}` } };
    link.send({ type: "send", ...ids, trigger: "submit-message", messages: this.#messages, body });
    if (random() < 0.1) this.#tabs.add(this.#secondTab(turn));
    const read = await this.#read(link, turn, requestId);
    this.#checkOwn(turn, read);
    await this.#ended({ turn, kills, read, cutAt: performance.now() });
  }

  /** After a cut: what was begun must be there, from its beginning and as the same message. */
  async #resume(link: Link, before: Unfinished): Promise<void> {
    const { turn, kills, read: earlier, cutAt } = before;
    const { plan } = turn;
    const requestId = this.#nextRequest();
    link.send({ type: "resume", requestId, id: this.#id, headers: { authorization: `Bearer ${this.#key}` } });
    const read = await this.#read(link, turn, requestId);
    // The frame that asked was lost with its socket, so the chat's latest answer is the one before.
    if (
      read.stream !== undefined &&
      read.stream === this.#latest &&
      [undefined, read.stream].includes(earlier.stream)
    ) {
      this.#failed();
      return;
    }
    this.#checkOwn(turn, read);
    if (read.end === "none") {
      const isLate = performance.now() - cutAt > SURE_MS;
      if (isLate) this.#site.tally.count("resumed too late", FACE);
      const isExcused = kills !== this.#site.kills || !endsWell(plan) || this.#isCapped || earlier.wasStopped || isLate;
      // The frame that asked may have been lost with its socket.
      if (!isExcused && earlier.stream !== undefined)
        this.#fault(plan.key, `cannot be resumed after ${earlier.text.length}`);
      this.#failed();
      return;
    }
    this.#site.tally.count("resumed", FACE);
    const isSame = earlier.messageId === undefined || [undefined, earlier.messageId].includes(read.messageId);
    if (!isSame) this.#fault(plan.key, `was ${earlier.messageId} and is ${read.messageId}`);
    if (read.end !== "cut" && read.end !== "refused" && read.text.length < earlier.text.length)
      this.#fault(plan.key, "lost some of its text");
    const isNews = read.end !== "cut" || read.stream !== undefined;
    await this.#ended({ turn, kills, read: isNews ? read : earlier, cutAt: isNews ? performance.now() : cutAt });
  }

  /** The same answer once more, on another socket beside the first one. */
  async #secondTab(turn: Turn): Promise<void> {
    const link = await Link.open(`${this.#site.url}/v1/chat`, this.#key, nameOf, Number.POSITIVE_INFINITY, false);
    if (!link) return;
    await setTimeout(this.#site.below(50));
    const requestId = this.#nextRequest();
    link.send({ type: "resume", requestId, id: this.#id, headers: { authorization: `Bearer ${this.#key}` } });
    const read = await readAnswer(link, requestId, () => false);
    link.cut(false);
    // Asked too early, it reads the answer before.
    if (read.stream === undefined || read.stream !== this.#site.tally.streams.get(turn.plan.key)) return;
    this.#check(turn, read);
    this.#site.tally.count("read twice", FACE);
  }

  async #read(link: Link, turn: Turn, requestId: string): Promise<ReadAnswer> {
    const { stopAfter, restAfter } = turn;
    return await readAnswer(link, requestId, (frames) => {
      if (frames === restAfter) {
        link.rest(200 + this.#site.below(1_500));
        this.#site.tally.count("read slowly", FACE);
      }
      if (frames !== stopAfter) return false;
      link.send({ type: "abort", requestId });
      return true;
    });
  }

  #checkOwn(turn: Turn, read: ReadAnswer): void {
    if (read.stream !== undefined) this.#site.tally.streams.set(turn.plan.key, read.stream);
    this.#check(turn, read);
  }

  #check({ plan }: Turn, { text, end, faults }: ReadAnswer): void {
    for (const fault of faults) this.#fault(plan.key, fault);
    const whole = wholeText(plan);
    if (!whole.startsWith(text)) this.#fault(plan.key, `${text.length} characters that the upstream did not write`);
    if (end === "whole" && (text !== whole || !endsWell(plan)) && !this.#isCapped) {
      this.#fault(plan.key, `complete after ${text.length} of ${whole.length} characters`);
    }
  }

  async #ended(ended: Unfinished): Promise<void> {
    const { turn, read } = ended;
    const { plan } = turn;
    const { tally } = this.#site;
    this.#unfinished = undefined;
    if (read.end === "cut") {
      this.#unfinished = ended;
      return;
    }
    if (read.end === "whole" && read.text === wholeText(plan) && endsWell(plan)) {
      this.#completed(turn, read);
      return;
    }
    this.#failed();
    if (read.end === "stopped" && read.wasStopped) tally.count("stopped", FACE);
    else if (this.#isCapped) tally.count("refused by a cap", FACE);
    else if (endsWell(plan) && !/shut|stopping|busy|overload/i.test(read.error ?? "")) {
      this.#fault(plan.key, `${read.end}: ${read.error}`);
    }
  }

  #completed({ plan }: Turn, { messageId = "", stream }: ReadAnswer): void {
    const { tally } = this.#site;
    this.#latest = stream;
    tally.whole.add(plan.key);
    tally.count("whole", FACE);
    if (this.#hasCalled) tally.count("tool turns", FACE);
    const tool = {
      type: `tool-${LOOK.name}`,
      toolCallId: callId(plan.key),
      state: "output-available",
      input: JSON.parse(LOOK.arguments),
      output: "seen",
    };
    const text = wholeText(plan);
    const parts = [{ type: "step-start" }, { type: "text", text, state: "done" }, ...(plan.callsTool ? [tool] : [])];
    const last = this.#messages.at(-1);
    if (last?.role === "assistant") {
      if (last.id !== messageId) this.#fault(plan.key, `goes on as ${messageId}, not ${last.id}`);
      last.parts = [...last.parts, ...parts];
    } else this.#messages.push({ id: messageId, role: "assistant", parts });
    this.#texts.push(text, ...(plan.callsTool ? [LOOK.arguments] : []));
    this.#hasCalled = plan.callsTool === true;
    this.#turns++;
  }

  /** The chat goes on elsewhere: what a failed answer leaves is the application's choice. */
  #failed(): void {
    this.#unfinished = undefined;
    this.#begin();
  }

  #nextRequest(): string {
    return `${this.#name}.${this.#requests++}`;
  }

  #fault(key: string, what: string): void {
    this.#site.tally.fault(`${FACE} ${key}`, what);
  }
}
