import type { Code } from "../../../../protocol/codes.ts";
import { type Caller, requireScope } from "../../../core/caller/caller.ts";
import { GatewayError, toGatewayError } from "../../../core/kernel/errors.ts";
import { jsonSize } from "../../../core/kernel/json.ts";
import type { Connection } from "../../../core/ports/connection.ts";
import type { FaceSession } from "../../../core/ports/face.ts";
import { noteRefusedFrame } from "../../../core/ports/refused-frame.ts";
import { Scheduler } from "../../../core/stream/scheduler.ts";
import { RESPONSES_API } from "../request/apis.ts";
import { type ClientFrame, readClientFrame } from "./client-frame.ts";
import type { ConversationMemory } from "./conversation-memory.ts";
import { errorFrame, MAX_REPEATED_BYTES, ownFrame } from "./frames.ts";
import { Lanes, type Waiting } from "./lanes.ts";
import type { ResponsesSocketParts } from "./parts.ts";
import { Remembered } from "./remembered.ts";
import type { ResponseReader } from "./response-reader.ts";
import { Responses } from "./responses.ts";
import { type SocketRefusal, tooOld } from "./socket-refusal.ts";

const MINUTE_MS = 60_000;

/** What is repeated of a response's id. */
const MAX_ID_LENGTH = 64;

/** Clients reconnect after this code (RFC 6455, 7.4.1: going away). */
const GOING_AWAY = 1001;

/** One connection: its lanes, and the conversations it remembers. */
export class ResponsesSession implements FaceSession {
  readonly #connection: Connection;
  readonly #parts: ResponsesSocketParts;
  readonly #scheduler: Scheduler;
  readonly #lanes: Lanes;
  readonly #responses: Responses;
  readonly #remembered: Remembered;
  readonly #ageLimit: NodeJS.Timeout;
  #caller: Caller;
  /** Why the socket closes once nothing runs. */
  #leaving: "too old" | "shutting down" | undefined;

  constructor(connection: Connection, caller: Caller, parts: ResponsesSocketParts, memory: ConversationMemory) {
    this.#connection = connection;
    this.#caller = caller;
    this.#parts = parts;
    const { apiBodyBytes, responsesSocketMs } = parts.limits;
    this.#scheduler = new Scheduler(connection);
    this.#remembered = new Remembered(memory, apiBodyBytes);
    this.#responses = new Responses(parts, connection, this.#scheduler, this.#remembered, (lane) => this.#over(lane));
    this.#lanes = new Lanes(
      apiBodyBytes,
      ({ frame }) => parts.requests.reserve(this.#caller.name, jsonSize(frame.body)),
      (waiting) => this.#start(waiting),
    );
    this.#ageLimit = setTimeout(() => this.#leave("too old"), responsesSocketMs).unref();
  }

  message(text: string): void {
    const receivedAt = this.#parts.clock.now();
    let frame: ClientFrame | undefined;
    try {
      frame = readClientFrame(text);
      if (frame.type === "create") this.#submit({ frame, size: text.length, receivedAt });
      else if (frame.type === "cancel") this.#cancel(frame.lane, frame.responseId);
      else if (frame.type === "steer") this.#cannotSteer(frame.responseId, frame.input);
    } catch (thrown) {
      this.#refuse(frame?.type === "create" ? frame.lane : undefined, toGatewayError(thrown));
    }
  }

  drained(): void {
    this.#scheduler.run();
  }

  closed(why: Code): void {
    clearTimeout(this.#ageLimit);
    this.#lanes.close();
    for (const reader of this.#lanes.running) {
      reader.leave();
      this.#parts.registry.detach(reader.registered, reader, why);
    }
    this.#remembered.clear();
  }

  goingAway(): void {
    this.#leave("shutting down");
  }

  #submit(request: Waiting): void {
    if (this.#leaving === "too old") throw this.#tooOld();
    this.#lanes.submit(request);
  }

  #start({ frame, receivedAt }: Waiting): ResponseReader | undefined {
    try {
      // Keys change while sockets are open.
      this.#caller = this.#parts.authenticator.current(this.#caller);
      requireScope(this.#caller, "streams");
      return this.#responses.start(frame, this.#caller, receivedAt);
    } catch (thrown) {
      if (frame.previousId !== undefined) this.#remembered.forget(frame.previousId);
      this.#refuse(frame.lane, toGatewayError(thrown));
      return undefined;
    }
  }

  #over(lane: string | undefined): void {
    this.#lanes.over(lane);
    if (this.#leaving !== undefined) this.#leave(this.#leaving);
  }

  #refuse(lane: string | undefined, error: GatewayError): void {
    const { wording, observer } = this.#parts;
    if (error.code === "internal") observer.fault(error.cause, "responses socket");
    this.#scheduler.send(errorFrame(lane, error, wording.refusal(RESPONSES_API.dialect, error)));
    noteRefusedFrame(this.#connection, observer, "responses-socket", error);
  }

  #cancel(lane: string | undefined, responseId: string | undefined): void {
    const meant =
      responseId === undefined
        ? this.#lanes.on(lane)
        : this.#lanes.running.find((reader) => reader.responseId === responseId);
    meant?.stream.cancel(new GatewayError("cancelled"));
  }

  /** Steering needs the provider to take part, and one behind HTTP cannot. */
  #cannotSteer(previousId: string, input: unknown): void {
    const steered = this.#lanes.running.find((reader) => reader.responseId === previousId);
    const code = steered ? "steering_not_supported" : "response_not_found";
    const message = steered ? "responses cannot be steered here" : "no such response runs on this connection";
    this.#scheduler.send(
      ownFrame(steered?.lane, {
        type: "response.steer.failed",
        sequence_number: steered?.sent?.last.seq ?? 0,
        steer: {
          previous_response_id: previousId.slice(0, MAX_ID_LENGTH),
          input: jsonSize(input) > MAX_REPEATED_BYTES ? [] : input,
        },
        error: { type: "invalid_request_error", code, message },
      }),
    );
  }

  #tooOld(): SocketRefusal {
    return tooOld(Math.round(this.#parts.limits.responsesSocketMs / MINUTE_MS));
  }

  /** Closes the socket as soon as nothing runs on it. */
  #leave(why: "too old" | "shutting down"): void {
    this.#leaving ??= why;
    if (this.#lanes.running.length > 0) return;
    if (this.#leaving === "too old") this.#refuse(undefined, this.#tooOld());
    this.#connection.close(GOING_AWAY, this.#leaving);
  }
}
