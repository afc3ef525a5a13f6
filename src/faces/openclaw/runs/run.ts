import { type Delta, NOTHING, type ToolCallDelta } from "../../../core/dialect/dialect.ts";
import type { Model } from "../../../core/dialect/routing.ts";
import { MAX_TIMER_MS } from "../../../core/kernel/clock.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import type { TranscriptMessage } from "../../../core/ports/transcripts.ts";
import type { ReaderSink } from "../../../core/stream/reader.ts";
import type { Stream } from "../../../core/stream/stream.ts";
import type { Entry } from "../../../core/stream/stream-log.ts";
import type { Terminal } from "../../../core/stream/terminal.ts";
import type { ClientSession } from "../clients/client-session.ts";
import { RunContent } from "./run-content.ts";
import { RunFrames, type RunIdentity } from "./run-frames.ts";
import { Subscription } from "./subscription.ts";
import { TextTrack } from "./text-track.ts";

/** How a run ended: its stream's terminal, or the failure before there was a stream. */
export type RunEnd = Pick<Terminal, "status"> &
  Partial<Pick<Terminal, "finish" | "error" | "usage" | "target" | "unreadEvents">>;

/**
 * A running answer: the only reader of its stream, so a slow client never slows the upstream down. It keeps the text, and
 * each client reads it at its own pace. Runs outlive the clients that watch them.
 */
export class Run implements ReaderSink {
  readonly identity: RunIdentity;
  /** The id of the answer's message in the transcript. */
  readonly answerId: string;
  readonly model: Model;
  readonly frames: RunFrames;
  readonly content = new RunContent();
  /** The earlier messages' files that the request carries again. */
  resent: TranscriptMessage["resent"];
  /** Oldest first. */
  readonly tracks: TextTrack[] = [];
  /** Wall clock in milliseconds. */
  readonly startedAt: number;
  /** The client that started it with the `agent` method, and so receives `agent` events. */
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
    /** Reports a fault in one client's frames. */
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

  /** Sends the run to this client from now on. */
  watch(client: ClientSession): void {
    if (!this.#over && !this.#subscriptions.has(client))
      this.#subscriptions.set(client, new Subscription(this.tracks, client));
  }

  /** Stops sending the run to this client. */
  unwatch(client: ClientSession): void {
    this.#subscriptions.get(client)?.close();
    this.#subscriptions.delete(client);
  }

  /** The client may have dropped its text of this run: its next deltas carry all of it again. */
  rebase(client: ClientSession): void {
    this.#subscriptions.get(client)?.rebase();
  }

  /** The text that a history shows this client as in flight: its next delta continues it. */
  textSeenBy(client: ClientSession): string {
    const track = this.#textTrack;
    if (!track) return "";
    return this.#subscriptions.get(client)?.seen(track) ?? track.text;
  }

  /** Starts reading the stream, which is cancelled after `timeoutMs` unless that is 0. */
  follow(stream: Stream, timeoutMs = 0): void {
    this.#stream = stream;
    if (timeoutMs > 0) {
      const details = { timer: "run", timeoutMs };
      const tooLong = new GatewayError("upstream_timeout", "the run took longer than its timeoutMs", { details });
      this.#timer = setTimeout(() => stream.cancel(tooLong), Math.min(timeoutMs, MAX_TIMER_MS));
    }
    stream.attach(this);
  }

  /** Closes the upstream and reports the run's end before it returns. */
  cancel(reason: GatewayError): void {
    this.#stream?.cancel(reason);
  }

  /** Ends a run that has no stream. */
  fail(error: GatewayError): void {
    this.end({ status: "failed", error });
  }

  // ── as the stream's reader: called from the upstream's data callback ──────────────────────────────────────────────

  /** Always takes the entry: text that a client cannot take yet waits in the run. */
  push(_: Entry, delta: Delta = NOTHING): boolean {
    this.content.add(delta);
    const { text, thinking, toolCalls } = delta;
    if (thinking) this.#growThinking(thinking);
    if (text) this.#growText(text);
    if (toolCalls) for (const call of toolCalls) this.#growCall(call);
    return true;
  }

  /** Ends the run; only the first call counts. */
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

  /** Cancels the stream after a fault of ours; the run ends as failed. */
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

  /** Disconnects the one client whose frames could not be made. */
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
