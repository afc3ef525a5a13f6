import { RequestFrame } from "../../../../protocol/openclaw/frames.ts";
import { OPENCLAW_CLOSE } from "../../../../protocol/openclaw/wire.ts";
import { GatewayError, toGatewayError } from "../../../core/kernel/errors.ts";
import { asObject, asString, type JsonValue, parseClientJson } from "../../../core/kernel/json.ts";
import { STRANGER_JSON } from "../../../core/kernel/json-weight.ts";
import type { Connection } from "../../../core/ports/connection.ts";
import type { FaceSession } from "../../../core/ports/face.ts";
import { type ClientSession, eventHead } from "../clients/client-session.ts";
import { missingScope, toErrorShape } from "../clients/errors.ts";
import { Call } from "../methods/call.ts";
import { ANSWERED, isOpenTo, type Method } from "../methods/method.ts";
import { methods } from "../methods/methods.ts";
import { invalid } from "../methods/params-error.ts";
import type { Services } from "../methods/services.ts";
import { connect, helloOk } from "./handshake.ts";
import { isRefusal } from "./refusals.ts";

/** A socket that speaks OpenClaw: first the handshake, then requests, each with exactly one response. */
export class ClientConnection implements FaceSession {
  readonly #services: Services;
  readonly #connection: Connection;
  /** The challenge for the client to sign. */
  readonly #nonce: string;
  #client: ClientSession | undefined;
  #closed = false;

  /** Sends the challenge: official clients wait for it before they send anything. */
  constructor(services: Services, connection: Connection) {
    this.#services = services;
    this.#connection = connection;
    this.#nonce = services.newId();
    const payload = { nonce: this.#nonce, ts: Math.round(services.clock.wall()) };
    connection.send(JSON.stringify({ type: "event", event: "connect.challenge", payload }));
  }

  message(text: string): void {
    if (this.#closed || this.#client?.expelled) return;
    const receivedAt = this.#services.clock.now();
    if (this.#client) this.#request(this.#client, parseClientJson(text), receivedAt);
    else this.#handshake(parseClientJson(text, STRANGER_JSON));
  }

  drained(): void {
    this.#client?.drained();
  }

  /** The client has gone. Its runs continue, so that it finds them when it reconnects. */
  closed(): void {
    this.#closed = true;
    if (!this.#client) return;
    this.#services.clients.remove(this.#client);
    this.#services.runs.leave(this.#client);
  }

  goingAway(afterMs: number): void {
    this.#client?.event(eventHead("shutdown", { reason: "gateway stopping", restartExpectedMs: Math.ceil(afterMs) }));
  }

  #handshake(value: JsonValue | undefined): void {
    const { notJson } = OPENCLAW_CLOSE;
    const parsed = RequestFrame.safeParse(value);
    if (value === undefined) this.#close(notJson.code, notJson.reason);
    else if (!parsed.success) this.#turnAway(idOf(value), "invalid request frame");
    else if (parsed.data.method !== "connect") {
      this.#turnAway(parsed.data.id, "invalid handshake: first request must be connect");
    } else this.#connect(parsed.data);
  }

  #connect({ id, params }: RequestFrame): void {
    const result = connect(this.#services, this.#connection, params, this.#nonce);
    if (isRefusal(result)) {
      this.#connection.send(JSON.stringify({ type: "res", id, ok: false, error: result.error }));
      this.#close(result.close.code, result.close.reason);
      return;
    }
    const { client } = result;
    this.#client = client;
    this.#services.clients.add(client);
    client.respond(id, helloOk(this.#services, result, methodsFor(client)));
    this.#services.runs.join(client);
  }

  #turnAway(id: string, reason: string): void {
    const error = toErrorShape(new GatewayError("bad_frame", reason));
    this.#connection.send(JSON.stringify({ type: "res", id, ok: false, error }));
    this.#close(OPENCLAW_CLOSE.policy, reason);
  }

  #close(code: number, reason: string): void {
    this.#closed = true;
    this.#connection.close(code, reason);
  }

  #request(client: ClientSession, value: JsonValue | undefined, receivedAt: number): void {
    if (value === undefined) {
      // Without JSON there is no id to respond to.
      this.#connection.violation(new GatewayError("bad_frame"));
      return;
    }
    const parsed = RequestFrame.safeParse(value);
    if (!parsed.success) {
      const error = invalid("request frame", parsed.error);
      client.refuse(idOf(value), toErrorShape(error));
      this.#connection.violation(error);
      return;
    }
    const { id, method: name, params } = parsed.data;
    const refusal = this.#recheck(client);
    if (refusal) {
      client.refuse(id, toErrorShape(refusal));
      this.#close(4501, refusal.code);
      return;
    }
    const method = methods.get(name);
    if (!method) client.refuse(id, toErrorShape(unknownMethod(name)));
    else if (!client.may(method.scope)) client.refuse(id, missingScope(method.scope));
    else if (!isOpenTo(method, client.caller)) client.refuse(id, toErrorShape(new GatewayError("forbidden")));
    else this.#invoke(method, params, new Call(client, id, receivedAt));
  }

  /** Keys change while sockets are open. Returns the reason if this client may no longer connect. */
  #recheck(client: ClientSession): GatewayError | undefined {
    try {
      client.become(this.#services.authenticator.current(client.caller));
      return undefined;
    } catch (thrown) {
      return toGatewayError(thrown);
    }
  }

  #invoke(method: Method, params: unknown, call: Call): void {
    const answer = (payload: unknown): void => {
      if (payload !== ANSWERED) call.reply(payload);
    };
    const fail = (thrown: unknown): void => {
      const error = toGatewayError(thrown);
      if (error.code === "internal") this.#services.observer.fault(thrown, `openclaw ${method.name}`);
      call.refuse(toErrorShape(error));
    };
    try {
      const catalog = this.#services.catalog.for(call.client.caller);
      const result = method.invoke({ ...this.#services, catalog }, params, call);
      if (result instanceof Promise) result.then(answer).catch(fail);
      else answer(result);
    } catch (thrown) {
      fail(thrown);
    }
  }
}

/** The methods that this client's key allows. */
const methodsFor = ({ caller }: ClientSession): readonly string[] =>
  [...methods.values()].filter((method) => isOpenTo(method, caller)).map(({ name }) => name);

/** The id for the response to a malformed frame, as in the real gateway. */
const idOf = (value: JsonValue): string => asString(asObject(value)?.id) || "invalid";

const unknownMethod = (name: string): GatewayError =>
  name === "connect"
    ? new GatewayError("bad_request", "connect is only valid as the first request")
    : new GatewayError("unknown_method", `unknown method: ${name}`);
