import { type Delta, NOTHING, type ToolCallDelta } from "../../../core/dialect/dialect.ts";
import type { Model } from "../../../core/dialect/routing.ts";
import { MAX_TIMER_MS } from "../../../core/kernel/clock.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import type { ReaderSink } from "../../../core/stream/reader.ts";
import type { Stream } from "../../../core/stream/stream.ts";
import type { Entry } from "../../../core/stream/stream-log.ts";
import type { Terminal } from "../../../core/stream/terminal.ts";
import type { ClientSession } from "../clients/client-session.ts";
import { RunContent } from "./run-content.ts";
import { RunFrames, type RunIdentity } from "./run-frames.ts";
import { Subscription } from "./subscription.ts";
import { TextTrack } from "./text-track.ts";

/** How a run ended; a stream's terminal, or the failure that kept it from having one. */
export type RunEnd = Pick<Terminal, "status"> & Partial<Pick<Terminal, "finish" | "error" | "usage" | "unreadEvents">>;

/**
 * One answer being written: the only reader of its stream, so that a slow client never holds the upstream back. It keeps
 * the text and lets each watching client read it at its own pace. It lives on when clients go.
 */
export class Run implements ReaderSink {
  readonly identity: RunIdentity;
  /** The id of the answer's message in the transcript. */
  readonly answerId: string;
  readonly model: Model;
  readonly frames: RunFrames;
  readonly content = new RunContent();
  /** In the order in which they began. */
  readonly tracks: TextTrack[] = [];
  /** Wall clock in milliseconds. */
  readonly startedAt: number;
  /** The client that started it with the `agent` method and hears `agent` events. */
  readonly agentCaller: ClientSession | undefined;
  readonly #subscriptions = new Map<ClientSession, Subscription>();
  readonly #toolTracks = new Map<number, TextTrack>();
  readonly #ended: (run: Run, end: RunEnd) => void;
  readonly #fault: (error: unknown) => void;
  #textTrack: TextTrack | undefined;
  #assistantTrack: TextTrack | undefined;
  #thinkingTrack: TextTrack | undefined;
  #stream: Stream | undefined;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(facts: {
    readonly identity: RunIdentity;
    readonly answerId: string;
    readonly model: Model;
    readonly now: () => number;
    readonly agentCaller: ClientSession | undefined;
    readonly ended: (run: Run, end: RunEnd) => void;
    /** Told what went wrong in a client's own frames. */
    readonly fault: (error: unknown) => void;
  }) {
    this.identity = facts.identity;
    this.answerId = facts.answerId;
    this.model = facts.model;
    this.frames = new RunFrames(facts.identity, facts.now);
    this.startedAt = facts.now();
    this.agentCaller = facts.agentCaller;
    this.#ended = facts.ended;
    this.#fault = facts.fault;
  }

  get id(): string {
    return this.identity.runId;
  }

  watch(client: ClientSession): void {
    if (!this.#over && !this.#subscriptions.has(client))
      this.#subscriptions.set(client, new Subscription(this.tracks, client));
  }

  unwatch(client: ClientSession): void {
    this.#subscriptions.get(client)?.close();
    this.#subscriptions.delete(client);
  }

  /** The client may drop what it has of this run: its next deltas bring the whole again. */
  rebase(client: ClientSession): void {
    this.#subscriptions.get(client)?.rebase();
  }

  /** The text a history for this client shows as in flight. */
  textSeenBy(client: ClientSession): string {
    const track = this.#textTrack;
    if (!track) return "";
    return this.#subscriptions.get(client)?.seen(track) ?? track.text;
  }

  /** Reads the stream, which is ended after `timeoutMs` unless that is 0. */
  follow(stream: Stream, timeoutMs = 0): void {
    this.#stream = stream;
    if (timeoutMs > 0) {
      const details = { timer: "run", timeoutMs };
      const tooLong = new GatewayError("upstream_timeout", "the run took longer than its timeoutMs", { details });
      this.#timer = setTimeout(() => stream.cancel(tooLong), Math.min(timeoutMs, MAX_TIMER_MS));
    }
    stream.attach(this);
  }

  /** Closes the upstream now; the run's end is reported before this returns. */
  cancel(reason: GatewayError): void {
    this.#stream?.cancel(reason);
  }

  /** The run ends before it had a stream. */
  fail(error: GatewayError): void {
    this.end({ status: "failed", error });
  }

  // ── as the stream's reader: called from the upstream's data callback ──────────────────────────────────────────────

  /** Takes all there is: what its clients cannot take waits in the text. */
  push(_: Entry, delta: Delta = NOTHING): boolean {
    this.content.add(delta);
    const { text, thinking, toolCalls } = delta;
    if (thinking) this.#growThinking(thinking);
    if (text) this.#growText(text);
    if (toolCalls) for (const call of toolCalls) this.#growCall(call);
    return true;
  }

  end(end: RunEnd): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    for (const subscription of this.#subscriptions.values()) {
      try {
        subscription.flush();
      } catch (error) {
        this.#drop(subscription, error);
      }
    }
    this.#ended(this, end);
    for (const subscription of this.#subscriptions.values()) subscription.close();
    this.#subscriptions.clear();
  }

  /** The run goes no further: its stream is cancelled, and it ends as failed. */
  failed(): void {
    const error = new GatewayError("internal");
    this.#stream?.cancel(error);
    this.fail(error);
  }

  // ── inside ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #growText(text: string): void {
    const whole = () => this.content.text;
    this.#textTrack ??= this.#begin(new TextTrack(this.frames.text(), whole));
    this.#grow(this.#textTrack, text);
    if (!this.agentCaller) return;
    this.#assistantTrack ??= this.#begin(new TextTrack(this.frames.assistant(this.agentCaller), whole));
    this.#grow(this.#assistantTrack, text);
  }

  #growThinking(thinking: string): void {
    this.#thinkingTrack ??= this.#begin(new TextTrack(this.frames.thinking(), () => this.content.thinking));
    this.#grow(this.#thinkingTrack, thinking);
  }

  #growCall(delta: ToolCallDelta): void {
    const call = this.content.addToCall(delta, (index) => `${this.id}:${index}`);
    let track = this.#toolTracks.get(delta.index);
    if (!track) {
      track = this.#begin(new TextTrack(this.frames.tool(call.name, call.id), () => call.arguments));
      this.#toolTracks.set(delta.index, track);
    } else if (!delta.arguments) return;
    this.#grow(track, delta.arguments ?? "");
  }

  /** A fault in one client's frames costs that client its connection, and the other clients nothing. */
  #drop({ client }: Subscription, error: unknown): void {
    this.#fault(error);
    this.unwatch(client);
    client.hangUp();
  }

  #begin(track: TextTrack): TextTrack {
    this.tracks.push(track);
    return track;
  }

  #grow(track: TextTrack, piece: string): void {
    track.grow(piece);
    let sent = false;
    for (const subscription of this.#subscriptions.values()) {
      try {
        sent = subscription.offer(track) || sent;
      } catch (error) {
        this.#drop(subscription, error);
      }
    }
    if (sent) this.#stream?.contentSent();
  }
}
