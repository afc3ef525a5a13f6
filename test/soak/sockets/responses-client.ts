/** A client of the Responses WebSocket: conversations side by side on lanes, over sockets that are cut. */
import { setTimeout } from "node:timers/promises";
import { callId, LOOK, saidWords } from "../../support/upstreams/billing-words.ts";
import { type Frame, Link } from "./link.ts";
import { endsWell, Plans, type Turn, wholeText } from "./plans.ts";
import type { Site } from "./site.ts";

export const LANES = ["", "a", "b", "c"] as const;

const FACE = "responses";
/** Turns of a conversation. */
const MOST_TURNS = 6;
/** After these the gateway answers no more, or never did. */
const STOPPING = new Set(["shutting_down", "overloaded"]);
/** At a cap, and while what is left of one is reserved for other answers. */
const CAPPED = new Set(["insufficient_quota", "rate_limit_exceeded"]);

type Item = Readonly<Record<string, unknown>>;

const idOf = (frame: Frame | undefined): string =>
  String((frame?.response as { readonly id?: unknown } | undefined)?.id ?? "");

/** Runs until the site stops. `name` is unique; `key` is the gateway key, with a cap if `isCapped`. */
export async function runResponsesClient(site: Site, name: string, key: string, isCapped: boolean): Promise<void> {
  const lanes = LANES.map((lane) => new Lane(site, `${name}${lane}`, lane, isCapped));
  while (!site.isStopping) {
    const { below, random } = site;
    const laneOf = (frame: Frame) => String(frame.stream_id ?? "");
    const link = await Link.open(`${site.url}/v1/responses`, key, laneOf, 50 + below(1_500), random() < 0.5);
    if (!link) await setTimeout(100);
    else {
      await Promise.all(lanes.map((lane) => lane.run(link)));
      if (link.isClosed) site.tally.count("cut", FACE);
      else link.cut(false);
    }
  }
}

class Lane {
  readonly #site: Site;
  readonly #name: string;
  readonly #lane: string;
  readonly #isCapped: boolean;
  readonly #plans: Plans;
  #items: Item[] = [];
  #texts: string[] = [];
  #turns = 0;
  /** The result of a tool that the next request brings. */
  #result: Item | undefined;
  /** The response to continue, and the only socket that knows it. */
  #previous: { readonly id: string; readonly link: Link } | undefined;

  constructor(site: Site, name: string, lane: string, isCapped: boolean) {
    this.#site = site;
    this.#name = name;
    this.#lane = lane;
    this.#isCapped = isCapped;
    this.#plans = new Plans(name, site.random);
  }

  async run(link: Link): Promise<void> {
    while (!link.isClosed && !this.#site.isStopping) {
      if (this.#turns >= MOST_TURNS && !this.#result) this.#begin();
      if (this.#turns === 0 && this.#site.random() < 0.2) await this.#warmUp(link);
      await this.#turn(link);
      await setTimeout(this.#site.below(100));
    }
  }

  #begin(): void {
    this.#items = [];
    this.#texts = [];
    this.#turns = 0;
    this.#previous = undefined;
  }

  async #warmUp(link: Link): Promise<void> {
    this.#begin();
    const text = this.#plans.prompt();
    this.#send(link, { generate: false, model: `${this.#name}-0`, input: [said(text)] });
    await link.next(this.#lane);
    const completed = await link.next(this.#lane);
    if (!completed) return;
    if (completed.type !== "response.completed") this.#fault("warm-up", `ended as ${JSON.stringify(completed)}`);
    this.#previous = { id: idOf(completed), link };
    this.#items.push(said(text));
    this.#texts.push(text);
    this.#site.tally.count("warm-ups", FACE);
  }

  async #turn(link: Link): Promise<void> {
    const { tally } = this.#site;
    const text = this.#result ? "seen" : this.#plans.prompt();
    const input = this.#result ?? said(text);
    const texts = [...this.#texts, text];
    const turn = this.#plans.next(texts);
    tally.expect(turn.plan, texts);
    tally.count("turns", FACE);
    const create = { model: turn.model, plan: turn.plan, max_output_tokens: 20_000 };
    const continued = this.#site.random() < 0.9 ? this.#previous : undefined;
    if (continued) {
      this.#send(link, { ...create, input: [input], previous_response_id: continued.id });
      tally.count("continued", FACE);
    } else this.#send(link, { ...create, input: [...this.#items, input] });
    const first = await link.next(this.#lane);
    if (continued && codeOf(first) === "previous_response_not_found") {
      if (continued.link === link) this.#fault(turn.plan.key, `the socket no longer knows ${continued.id}`);
      this.#previous = undefined;
      tally.count("sent again", FACE);
      this.#send(link, { ...create, input: [...this.#items, input] });
      await this.#read(link, turn, input, texts, undefined, await link.next(this.#lane));
    } else await this.#read(link, turn, input, texts, continued?.id, first);
  }

  /** Reads a response from its first frame to its last, or to the end of the socket. */
  async #read(
    link: Link,
    turn: Turn,
    input: Item,
    texts: readonly string[],
    continued: string | undefined,
    first: Frame | undefined,
  ): Promise<void> {
    const { plan, stopAfter, restAfter } = turn;
    let frames = 0;
    let deltas = 0;
    let id = "";
    const output: Item[] = [];
    for (let frame = first; frame; frame = await link.next(this.#lane)) {
      if (frame.type === "error") {
        this.#refused(turn, frame);
        if (continued !== undefined) this.#previous = undefined;
        return;
      }
      if (frame.sequence_number !== frames) this.#fault(plan.key, `number ${frame.sequence_number}, not ${frames}`);
      frames++;
      if (frame.type === "response.created") id = idOf(frame);
      if (frame.type === "response.output_item.done") output.push(frame.item as Item);
      if (frame.type === "response.output_text.delta") {
        const expected = saidWords(++deltas, plan.eventTokens[deltas - 1] ?? 0);
        if (frame.delta !== expected) this.#fault(plan.key, `${String(frame.delta).slice(0, 20)}, not event ${deltas}`);
      }
      if (frame.type === "response.completed") {
        if (!endsWell(plan) || deltas !== plan.eventTokens.length) this.#fault(plan.key, `complete after ${deltas}`);
        this.#completed(link, turn, input, texts, id, output);
        return;
      }
      if (frame.type === "response.failed" || frame.type === "response.incomplete") {
        const isStopped = this.#failed(turn, frame, stopAfter !== undefined && frames > stopAfter);
        if (continued !== undefined && !isStopped) this.#previous = undefined;
        return;
      }
      if (frames === restAfter) {
        link.rest(200 + this.#site.below(1_500));
        this.#site.tally.count("read slowly", FACE);
      }
      if (frames === stopAfter) this.#stop(link, id);
    }
  }

  #completed(link: Link, { plan }: Turn, input: Item, texts: readonly string[], id: string, output: readonly Item[]) {
    const { tally } = this.#site;
    tally.whole.add(plan.key);
    tally.count("whole", FACE);
    if (this.#result) tally.count("tool turns", FACE);
    this.#previous = { id, link };
    this.#items.push(input, ...output);
    this.#texts = [...texts, wholeText(plan), ...(plan.callsTool ? [LOOK.arguments] : [])];
    this.#turns++;
    this.#result = plan.callsTool
      ? { type: "function_call_output", call_id: callId(plan.key), output: "seen" }
      : undefined;
  }

  /** Whether the client itself stopped it. */
  #failed({ plan }: Turn, frame: Frame, wasStopped: boolean): boolean {
    const { error } = frame.response as { readonly error?: { readonly code?: string } };
    const { tally } = this.#site;
    const isCut = this.#isCapped && frame.type === "response.incomplete";
    if (isCut) tally.count("refused by a cap", FACE);
    if (wasStopped && error?.code === "cancelled") {
      tally.count("stopped", FACE);
      return true;
    }
    if (!isCut && endsWell(plan) && !STOPPING.has(error?.code ?? "")) {
      this.#fault(plan.key, `failed: ${JSON.stringify(frame).slice(0, 300)}`);
    }
    return false;
  }

  #refused({ plan }: Turn, frame: Frame): void {
    const error = frame.error as { readonly code?: string; readonly gateway_code?: string };
    if (this.#isCapped && CAPPED.has(error.code ?? "")) this.#site.tally.count("refused by a cap", FACE);
    else if (plan.end !== "refuse" && !STOPPING.has(error.gateway_code ?? "") && endsWell(plan)) {
      this.#fault(plan.key, `refused: ${JSON.stringify(frame).slice(0, 300)}`);
    }
  }

  #stop(link: Link, id: string): void {
    const byId = this.#site.random() < 0.5;
    const lane = this.#lane === "" ? {} : { stream_id: this.#lane };
    link.send({ type: "response.cancel", ...(byId ? { response_id: id } : lane) });
  }

  #send(link: Link, fields: object): void {
    const lane = this.#lane === "" ? {} : { stream_id: this.#lane };
    link.send({ type: "response.create", store: false, ...lane, ...fields });
  }

  #fault(key: string, what: string): void {
    this.#site.tally.fault(`${FACE} ${key}`, what);
  }
}

const said = (text: string): Item => ({ type: "message", role: "user", content: [{ type: "input_text", text }] });

const codeOf = (frame: Frame | undefined): unknown =>
  frame?.type === "error" ? (frame.error as { readonly code?: unknown }).code : undefined;
