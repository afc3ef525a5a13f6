import type { Code } from "../../../../protocol/codes.ts";
import { type Caller, checkOpen } from "../../../core/caller/caller.ts";
import { fromByteString } from "../../../core/kernel/byte-string.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import { asObject, type JsonObject, type JsonValue, parseJson } from "../../../core/kernel/json.ts";
import type { Connection } from "../../../core/ports/connection.ts";
import { noteRefusedFrame } from "../../../core/ports/refused-frame.ts";
import type { RegisteredStream } from "../../../core/stream/registered-stream.ts";
import type { Scheduler } from "../../../core/stream/scheduler.ts";
import type { Entry } from "../../../core/stream/stream-log.ts";
import type { Terminal } from "../../../core/stream/terminal.ts";
import { requestOf } from "../request/api-request.ts";
import { RESPONSES_API } from "../request/apis.ts";
import type { EventText } from "../request/wording.ts";
import type { CreateFrame } from "./client-frame.ts";
import type { Conversation } from "./conversation.ts";
import { checkResults, inputItems, outputAsInput } from "./conversation-items.ts";
import { errorFrame, ownFrame } from "./frames.ts";
import type { ResponsesSocketParts } from "./parts.ts";
import type { Remembered, RememberedResponse } from "./remembered.ts";
import { ResponseReader } from "./response-reader.ts";
import { previousNotFound } from "./socket-refusal.ts";
import { isWarmUpId, warmUpFrames, warmUpId } from "./warm-up.ts";

const { dialect: DIALECT } = RESPONSES_API;

/** A request as it is sent upstream. */
interface Planned {
  readonly body: JsonObject;
  /** The conversation up to here; undefined if the provider keeps its beginning. */
  readonly items: readonly JsonValue[] | undefined;
  /** The provider gets the id of a response that it stored. */
  readonly continuesStored: boolean;
}

/** What is known of a response while it runs: the request itself is not kept. */
interface Turn {
  readonly lane: string | undefined;
  readonly previousId: string | undefined;
  readonly continuesStored: boolean;
  /** Undefined if the provider keeps its beginning. */
  readonly conversation: Conversation | undefined;
}

/** The responses of one socket, from their requests to what is remembered of them. */
export class Responses {
  readonly #parts: ResponsesSocketParts;
  readonly #connection: Connection;
  readonly #scheduler: Scheduler;
  readonly #remembered: Remembered;
  readonly #over: (lane: string | undefined) => void;

  /** `over` is called with the lane of each response that has ended after it was started. */
  constructor(
    parts: ResponsesSocketParts,
    connection: Connection,
    scheduler: Scheduler,
    remembered: Remembered,
    over: (lane: string | undefined) => void,
  ) {
    this.#parts = parts;
    this.#connection = connection;
    this.#scheduler = scheduler;
    this.#remembered = remembered;
    this.#over = over;
  }

  /**
   * Starts a response; a warm-up is admitted like one, but answered at once, and returns undefined. Throws GatewayError, `SocketRefusal` for a
   * conversation that is not known here.
   */
  start(frame: CreateFrame, caller: Caller, receivedAt: number): ResponseReader | undefined {
    const plan = this.#plan(frame);
    const { target } = requestOf(plan.body, RESPONSES_API, this.#parts.routing, caller);
    const { relay, registry } = this.#parts;
    if (!frame.generate) {
      checkOpen(caller, target, this.#connection.upstreamKey);
      relay.admit(caller);
      this.#warmUp(frame, plan);
      return undefined;
    }
    const stream = relay.open({
      target,
      body: plan.body,
      caller,
      upstreamKey: this.#connection.upstreamKey,
      // Clients of this protocol retry by their own rules.
      mayRetry: "reconnect",
      face: "responses-socket",
      connection: this.#connection.id,
      receivedAt,
    });
    const registered = registry.add(stream, caller.name, caller.grant?.away ?? "cancel");
    const { lane, previousId } = frame;
    const conversation = plan.items && this.#remembered.begin(plan.items);
    const reader = this.#read(registered, { lane, previousId, continuesStored: plan.continuesStored, conversation });
    registry.attach(registered, reader);
    reader.wake();
    return reader;
  }

  /** The closures live as long as the response, so they must not capture its request. */
  #read(registered: RegisteredStream, turn: Turn): ResponseReader {
    return new ResponseReader({
      lane: turn.lane,
      registered,
      scheduler: this.#scheduler,
      conversation: turn.conversation,
      ended: (ended, terminal) => this.#ended(ended, terminal, turn),
      lost: (lost, why) => this.#lost(lost, why, turn),
    });
  }

  #plan(frame: CreateFrame): Planned {
    const { body, previousId } = frame;
    const input = inputItems(body.input);
    if (previousId === undefined) return { body, items: input, continuesStored: false };
    const before = this.#remembered.find(previousId);
    if (!before) return this.#planStored(frame, previousId);
    checkResults(before.items, input);
    const items = [...before.items, ...input];
    if (isStored(body, before)) {
      return { body: { ...body, previous_response_id: previousId }, items, continuesStored: true };
    }
    return { body: { ...body, input: items }, items, continuesStored: false };
  }

  /** A response that the provider may have stored is the provider's to find. */
  #planStored({ body }: CreateFrame, previousId: string): Planned {
    if (body.store === false || isWarmUpId(previousId)) throw previousNotFound(previousId);
    return { body: { ...body, previous_response_id: previousId }, items: undefined, continuesStored: true };
  }

  #warmUp({ lane, body, previousId }: CreateFrame, { items }: Planned): void {
    const id = warmUpId(this.#parts.newId());
    if (items) this.#remembered.add(lane, id, this.#remembered.begin(items), true);
    for (const frame of warmUpFrames(lane, id, body, previousId, this.#parts.clock.wall())) this.#scheduler.send(frame);
  }

  #ended(reader: ResponseReader, { error }: Terminal, turn: Turn): void {
    const { registry } = this.#parts;
    registry.detach(reader.registered, reader);
    registry.handled(reader.registered);
    if (error) this.#failed(reader, error, turn);
    else this.#remember(reader, turn);
    this.#over(reader.lane);
  }

  #remember(reader: ResponseReader, { lane, conversation }: Turn): void {
    if (!conversation) return;
    const { id, output } = reader.final;
    conversation.end(outputAsInput(output));
    if (id === undefined) conversation.forget();
    else this.#remembered.add(lane, id, conversation);
  }

  #failed(reader: ResponseReader, error: GatewayError, { previousId, continuesStored, conversation }: Turn): void {
    const { wording } = this.#parts;
    conversation?.forget();
    // What a client stopped can still be continued from where it began.
    if (previousId !== undefined && error.code !== "cancelled") this.#remembered.forget(previousId);
    const { sent } = reader;
    if (reader.stream.info.opening?.isRefused) {
      noteRefusedFrame(this.#connection, this.#parts.observer, "responses-socket", error);
    }
    if (!sent) {
      const isUnknown = continuesStored && previousId !== undefined && isNotFound(error);
      const shown = isUnknown ? previousNotFound(previousId) : error;
      this.#scheduler.send(errorFrame(reader.lane, shown, wording.refusal(DIALECT, shown)));
      return;
    }
    for (const { data } of wording.errorEvents(DIALECT, error, textOf(sent.first), textOf(sent.last))) {
      this.#scheduler.send(ownFrame(reader.lane, asObject(parseJson(data)) ?? {}));
    }
  }

  #lost(reader: ResponseReader, why: Code, turn: Turn): void {
    const { registry } = this.#parts;
    registry.detach(reader.registered, reader, why);
    if (why === "internal") reader.stream.cancel(new GatewayError(why));
    this.#failed(reader, new GatewayError(why), { ...turn, continuesStored: false });
    this.#over(reader.lane);
  }
}

/** Whether the provider keeps the response that is continued, as the client asked. */
const isStored = ({ store }: JsonObject, { isWarmUp }: RememberedResponse): boolean => store === true && !isWarmUp;

/** Whether the provider says that it does not know what the request names. */
const isNotFound = ({ code, details }: GatewayError): boolean =>
  code === "upstream_http_error" && details?.status === 404;

const textOf = ({ event, data }: Entry): EventText => ({ event, data: fromByteString(data) });
