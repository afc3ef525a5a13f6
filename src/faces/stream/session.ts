import type { Code } from "../../../protocol/codes.ts";
import type { AckFrame, CancelFrame, OpenFrame, ResumeFrame, ServerFrame } from "../../../protocol/stream.ts";
import { type Caller, requireScope } from "../../core/caller/caller.ts";
import { GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import { asString, isObject, parseRelayedJson } from "../../core/kernel/json.ts";
import type { Connection } from "../../core/ports/connection.ts";
import type { FaceSession } from "../../core/ports/face.ts";
import { noteRefusedFrame } from "../../core/ports/refused-frame.ts";
import type { RegisteredStream } from "../../core/stream/registered-stream.ts";
import { Scheduler } from "../../core/stream/scheduler.ts";
import { Arrivals } from "./arrivals.ts";
import { readFrame } from "./client-frames.ts";
import { encode, errorFrame, openedFrame } from "./frames.ts";
import { OpenStream } from "./open-stream.ts";
import { Openings } from "./openings.ts";
import type { SharedParts } from "./parts.ts";
import { earlierOf, type Repeatable, remember, repeatableOf } from "./repeatable.ts";
import { requestOf } from "./request.ts";
import { Unhandled } from "./unhandled.ts";

/** What a frame says about how its stream is read. */
type Reading = Pick<OpenFrame, "id" | "flow" | "batch">;

/** One connection of the stream face: its open streams, each a reader on a log. */
export class StreamSession implements FaceSession {
  readonly #connection: Connection;
  #caller: Caller;
  readonly #parts: SharedParts;
  readonly #scheduler: Scheduler;
  readonly #open = new Map<string, OpenStream>();
  readonly #openings: Openings;
  readonly #unhandled: Unhandled;
  readonly #arrivals: Arrivals;

  constructor(connection: Connection, caller: Caller, parts: SharedParts) {
    this.#connection = connection;
    this.#caller = caller;
    this.#parts = parts;
    const { streamsPerConnection: streams, frameBytes, windowBytes, windowEvents, inFlightBytes } = parts.limits;
    this.#scheduler = new Scheduler(connection, inFlightBytes);
    this.#openings = new Openings(parts.registry);
    this.#unhandled = new Unhandled(parts.registry);
    this.#arrivals = new Arrivals(parts.registry);
    const limits = { streams, frameBytes, windowBytes, windowEvents, inFlightBytes };
    this.tell({ type: "hello", protocol: "sluice.v1", connection: connection.id, limits });
  }

  /** Sends a frame that is not an event. */
  tell(frame: ServerFrame): void {
    this.#scheduler.send(encode(frame));
  }

  message(text: string): void {
    const receivedAt = this.#parts.clock.now();
    const value = parseRelayedJson(text);
    const id = isObject(value) ? asString(value.id)?.slice(0, 64) : undefined;
    try {
      const frame = readFrame(value, this.#parts.limits.streamsPerConnection);
      if (frame.type === "ack") this.#acknowledge(frame);
      else if (frame.type === "open") this.#openStream(frame, receivedAt);
      else if (frame.type === "resume") this.#resume(frame);
      else this.#cancel(frame);
    } catch (thrown) {
      if (toGatewayError(thrown).code === "internal") throw thrown;
      this.#refuse(id, thrown);
    }
  }

  drained(): void {
    this.#scheduler.run();
  }

  closed(why: Code): void {
    this.#openings.close(why);
    for (const open of this.#open.values()) {
      open.leave();
      this.#parts.registry.detach(open.registered, open, why);
    }
    this.#open.clear();
    this.#arrivals.close();
  }

  goingAway(afterMs: number): void {
    this.tell({ type: "going_away", afterMs });
  }

  /** Keys change while sockets are open. Throws `unauthorized` or `forbidden`. */
  #recheck(): void {
    this.#caller = this.#parts.authenticator.current(this.#caller);
    requireScope(this.#caller, "streams");
  }

  #upstreamKey(frame: OpenFrame): string | undefined {
    return frame.upstreamKey ?? this.#connection.upstreamKey;
  }

  // ── requests of clients ──────────────────────────────────────────────────────────────────────────────────────────

  #acknowledge(frame: AckFrame): void {
    try {
      if (frame.received !== undefined) this.#scheduler.received(frame.received);
      for (const [id, seq] of Object.entries(frame.streams ?? {})) {
        const open = this.#open.get(id);
        // An ack for a stream that has just ended is late, not wrong.
        if (open) open.acknowledge(seq);
        else this.#unhandled.acknowledge(id, seq);
      }
    } finally {
      // The valid part of a frame counts even if another part is not valid.
      this.#scheduler.run();
    }
  }

  #openStream(frame: OpenFrame, receivedAt: number): void {
    this.#recheck();
    const { id, flow, batch } = frame;
    this.#checkId(id);
    const repeatable = repeatableOf(frame, this.#caller.name, this.#upstreamKey(frame));
    const earlier = repeatable && earlierOf(repeatable, this.#caller.name, this.#parts);
    // What waits must not keep the request.
    const reading = { id, flow, batch };
    let isAttached = true;
    const start = (streamId?: string) => {
      isAttached = false;
      return this.#start(frame, receivedAt, repeatable, streamId);
    };
    const claimed = () => repeatable && this.#parts.claims?.open(repeatable, this.#caller.name, start);
    const found = earlier ?? claimed() ?? start();
    const came = (registered: RegisteredStream) => this.#await(reading, registered, isAttached);
    if (found instanceof Promise) this.#arrivals.add(id, found, came, (thrown) => this.#refuse(id, thrown));
    else came(found);
  }

  /** Answers an open once it is decided. */
  #await(frame: Reading, registered: RegisteredStream, isAttached: boolean): void {
    const opened = () => this.#opened(frame, registered, isAttached);
    this.#openings.add(frame.id, registered, opened, (error) => this.#refuse(frame.id, error));
  }

  #opened(frame: Reading, registered: RegisteredStream, isAttached: boolean): void {
    const { open } = this.#read(frame, registered, 0);
    this.#scheduler.send(openedFrame(frame.id, registered.stream.info, isAttached));
    open.wake();
  }

  #start(frame: OpenFrame, receivedAt: number, repeatable: Repeatable | undefined, id?: string): RegisteredStream {
    const { relay, routing, registry } = this.#parts;
    if (this.#arrivals.isClosed) throw new GatewayError("client_gone");
    const stream = relay.open({
      id,
      ...requestOf(frame, routing.target(frame)),
      mayRetry: frame.retry ?? true,
      caller: this.#caller,
      upstreamKey: this.#upstreamKey(frame),
      face: "stream",
      connection: this.#connection.id,
      receivedAt,
    });
    if (repeatable) remember(repeatable, stream, this.#parts.records);
    return registry.add(
      stream,
      this.#caller.name,
      frame.away ?? this.#caller.grant?.away ?? "continue",
      repeatable !== undefined,
    );
  }

  #resume(frame: ResumeFrame): void {
    this.#recheck();
    this.#checkId(frame.id);
    const { id, stream, epoch, after } = frame;
    const found = this.#parts.registry.find(stream, this.#caller.name, epoch, after);
    const resumed = (registered: RegisteredStream) => this.#resumed(frame, registered);
    if (found instanceof Promise) this.#arrivals.add(id, found, resumed, (thrown) => this.#refuse(id, thrown));
    else resumed(found);
  }

  #resumed(frame: ResumeFrame, registered: RegisteredStream): void {
    const { id, stream, epoch, after } = frame;
    const { open, previous } = this.#read(frame, registered, after);
    this.tell({ type: "resumed", id, stream, epoch, after, ...(previous && { previous }) });
    open.wake();
  }

  /** Attaches to a stream. The caller wakes it after its reply; `previous` is why the last reader detached. */
  #read(frame: Reading, registered: RegisteredStream, after: number) {
    const { registry, limits } = this.#parts;
    const { windowBytes, windowEvents } = limits;
    const open: OpenStream = new OpenStream({
      id: frame.id,
      registered,
      after,
      scheduler: this.#scheduler,
      window: frame.flow === "none" ? undefined : { maxBytes: windowBytes, maxEntries: windowEvents },
      batch: frame.batch ?? false,
      ended: (handled) => {
        this.#open.delete(frame.id);
        registry.detach(registered, open);
        if (handled) registry.handled(registered, frame.flow !== "none");
        else this.#unhandled.add(frame.id, registered, registered.stream.log.head);
      },
      detached: (why) => this.#detached(frame.id, why),
      failed: () => {
        registry.detach(registered, open, "internal");
        this.#detached(frame.id, "internal");
      },
    });
    this.#open.set(frame.id, open);
    const previous = registry.attach(registered, open);
    // Only now: it may drop logs, and this one is read again.
    this.#unhandled.reused(frame.id);
    return { open, previous };
  }

  #detached(id: string, why: Code): void {
    this.#open.delete(id);
    this.tell({ type: "detached", id, code: why });
    // A half-open socket that has lost its last stream to a newer one is closed.
    if (why === "superseded" && this.#open.size === 0) this.#connection.close(4090, "superseded");
  }

  #cancel({ id, stream = "" }: CancelFrame): void {
    const reason = new GatewayError("cancelled");
    if (id === undefined) this.#parts.registry.cancel(stream, this.#caller.name, reason);
    else if (!this.#arrivals.cancel(id)) (this.#open.get(id)?.stream ?? this.#openings.stream(id))?.cancel(reason);
  }

  #refuse(id: string | undefined, thrown: unknown): void {
    const { observer } = this.#parts;
    const error = toGatewayError(thrown);
    if (error.code === "internal") observer.fault(thrown, "stream");
    this.#scheduler.send(errorFrame(id, error));
    noteRefusedFrame(this.#connection, observer, "stream", error);
  }

  /** Throws `duplicate_id` or `too_many_streams`. */
  #checkId(id: string): void {
    const limit = this.#parts.limits.streamsPerConnection;
    if (this.#open.has(id) || this.#arrivals.has(id) || this.#openings.stream(id))
      throw new GatewayError("duplicate_id");
    if (this.#open.size + this.#arrivals.size + this.#openings.size >= limit) {
      const setting = "limits.streamsPerConnection";
      throw new GatewayError("too_many_streams", undefined, { details: { limit }, setting });
    }
  }
}
