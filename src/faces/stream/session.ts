import { createHash } from "node:crypto";
import { ClientFrame, type OpenFrame } from "../../../protocol/stream.ts";
import { GatewayError, toGatewayError } from "../../core/errors.ts";
import { asString, isObject, type JsonObject, parseClientJson } from "../../core/json.ts";
import type { Caller, Connection, FaceSession } from "../../core/ports.ts";
import type { Reader, Stream, Terminal } from "../../core/stream.ts";
import type { Entry } from "../../core/stream-log.ts";
import type { StreamFaceParts } from "./face.ts";
import { endFrame, errorFrame, eventFrame, eventPrefix, helloFrame, openedFrame } from "./frames.ts";
import type { IdempotencyKeys } from "./idempotency.ts";

/** One connection of the stream face: its open streams, each a reader on a log. */
export class StreamSession implements FaceSession {
  readonly #connection: Connection;
  readonly #parts: StreamFaceParts;
  readonly #keys: IdempotencyKeys;
  readonly #open = new Map<string, { stream: Stream; reader: Reader | undefined }>();

  constructor(connection: Connection, parts: StreamFaceParts, keys: IdempotencyKeys) {
    this.#connection = connection;
    this.#parts = parts;
    this.#keys = keys;
    const { streamsPerConnection, frameBytes } = parts.limits;
    connection.send(helloFrame(connection.id, { streams: streamsPerConnection, frameBytes }));
  }

  message(text: string): void {
    const receivedAt = this.#parts.clock.now();
    const value = parseClientJson(text);
    const id = isObject(value) ? asString(value.id)?.slice(0, 64) : undefined;
    try {
      const frame = readFrame(value);
      if (frame.type === "open") this.#openStream(frame, receivedAt);
      else this.#open.get(frame.id)?.stream.cancel(new GatewayError("cancelled"));
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (error.code === "internal") throw thrown;
      this.#connection.send(errorFrame(id, error));
      if (error.code === "bad_frame" || error.code === "unknown_method") this.#connection.violation(error);
    }
  }

  drained(): void {
    for (const { reader } of this.#open.values()) {
      if (!this.#connection.writable) return;
      reader?.wake();
    }
  }

  closed(): void {
    for (const { stream, reader } of this.#open.values()) {
      reader?.detach();
      // Nobody reads it any more: what it would still cost, it would cost in vain.
      if (stream.readers === 0) stream.cancel(new GatewayError("client_gone"));
    }
    this.#open.clear();
  }

  goingAway(): void {}

  #openStream(frame: OpenFrame, receivedAt: number): void {
    const { relay, routing, limits } = this.#parts;
    const { caller } = this.#connection;
    if (!caller) throw new GatewayError("unauthorized");
    if (this.#open.has(frame.id)) throw new GatewayError("duplicate_id");
    if (this.#open.size >= limits.streamsPerConnection) {
      throw new GatewayError("too_many_streams", undefined, { details: { limit: limits.streamsPerConnection } });
    }
    const earlier = this.#earlier(frame, caller);
    const stream =
      earlier ??
      relay.open({
        target: routing.target(frame),
        body: frame.body as JsonObject,
        mayRetry: frame.retry ?? true,
        caller,
        face: "stream",
        connection: this.#connection.id,
        receivedAt,
      });
    if (!earlier && frame.idempotencyKey !== undefined) {
      this.#keys.remember(caller.name, frame.idempotencyKey, stream, fingerprint(frame));
    }
    this.#attach(frame.id, stream, earlier !== undefined);
  }

  /** The stream this open made before, if it is sent again. Throws `bad_request` when it asks for something else. */
  #earlier(frame: OpenFrame, caller: Caller): Stream | undefined {
    if (frame.idempotencyKey === undefined) return undefined;
    const known = this.#keys.find(caller.name, frame.idempotencyKey);
    if (known && known.request !== fingerprint(frame)) {
      throw new GatewayError("bad_request", "the idempotency key was used for another request");
    }
    return known?.stream;
  }

  #attach(id: string, stream: Stream, attached: boolean): void {
    const { route, model, epoch } = stream.info;
    this.#connection.send(
      openedFrame({
        id,
        stream: stream.info.id,
        epoch,
        route,
        ...(model !== undefined && { model }),
        ...(attached && { attached }),
      }),
    );
    const opened: { stream: Stream; reader: Reader | undefined } = { stream, reader: undefined };
    this.#open.set(id, opened);
    const prefix = eventPrefix(id);
    opened.reader = stream.attach({
      entry: (entry: Entry): boolean => {
        const writable = this.#connection.send(eventFrame(prefix, entry));
        if (stream.firstSentMs === undefined && isContent(entry)) stream.contentSent();
        return writable;
      },
      end: (terminal: Terminal): void => {
        this.#connection.send(endFrame(id, terminal));
        this.#open.delete(id);
        opened.reader?.detach();
      },
    });
    if (stream.terminal && !this.#open.has(id)) opened.reader.detach();
  }
}

const isContent = ({ meaning }: Entry): boolean =>
  Boolean(meaning.text) || Boolean(meaning.thinking) || meaning.toolCalls !== undefined;

/** Throws `bad_frame` or `unknown_method`; the message names the field, never its value. */
function readFrame(value: unknown): ClientFrame {
  if (!isObject(value)) throw new GatewayError("bad_frame", "a frame is one JSON object, not deeper than 64");
  if (value.type !== "open" && value.type !== "cancel") throw new GatewayError("unknown_method", "unknown frame type");
  const result = ClientFrame.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join(".") || "frame"}: ${message}`);
  throw new GatewayError("bad_frame", problems.join("; ").slice(0, 300));
}

const fingerprint = ({ model, route, body }: OpenFrame): string =>
  createHash("sha256")
    .update(JSON.stringify([model, route, body]))
    .digest("base64");
