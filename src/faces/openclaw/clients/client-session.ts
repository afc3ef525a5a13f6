import { createHash } from "node:crypto";
import type { ConnectParams, ErrorShape } from "../../../../protocol/openclaw/frames.ts";
import { OPENCLAW_CLOSE, type Scope } from "../../../../protocol/openclaw/wire.ts";
import type { Caller } from "../../../core/caller/caller.ts";
import type { Connection } from "../../../core/ports/connection.ts";
import { covers, grantedScopes } from "./granted-scopes.ts";

/** RFC 6455, section 7.4.1: the server met an unexpected condition. */
const INTERNAL_CLOSE = 1011;

/** An event frame up to the number of its outer `seq`, so that one encoding serves all connections. */
export function eventHead(name: string, payload: object): string {
  return `{"type":"event","event":"${name}","payload":${JSON.stringify(payload)},"seq":`;
}

/** A client after its handshake: its rights, its subscriptions and its socket. */
export class ClientSession {
  readonly id: string;
  readonly about: ConnectParams["client"];
  readonly caps: ReadonlySet<string>;
  /** The device whose signature it showed. */
  readonly deviceId: string | undefined;
  /** Whether it signed in with its device's token. */
  readonly byDeviceToken: boolean;
  readonly connectedAt: number;
  /** Every delta carries the whole text, for clients that do not add up increments. */
  readonly cumulative: boolean;
  /** One for each run that this client watches. */
  readonly subscriptions = new Set<{ flush(): void }>();
  /** Keys of the sessions whose messages it subscribed to. */
  readonly messagesOf = new Set<string>();
  /** Whether it receives `sessions.changed`. */
  followsSessions = false;
  readonly #connection: Connection;
  readonly #claimed: readonly string[];
  #caller: Caller;
  #expelled = false;
  #scopes: readonly string[];
  /** Counted as frames are handed to the socket, after coalescing, so that a client never sees a gap. */
  #seq = 0;

  constructor(
    connection: Connection,
    facts: {
      readonly caller: Caller;
      readonly client: ConnectParams["client"];
      /** The scopes the client asked for. */
      readonly claimed: readonly string[];
      readonly caps: readonly string[];
      readonly deviceId: string | undefined;
      readonly byDeviceToken: boolean;
      readonly connectedAt: number;
      readonly cumulative: boolean;
    },
  ) {
    this.#connection = connection;
    this.id = connection.id;
    this.#caller = facts.caller;
    this.#claimed = facts.claimed;
    this.#scopes = grantedScopes(facts.caller, facts.claimed);
    this.about = facts.client;
    this.caps = new Set(facts.caps);
    this.deviceId = facts.deviceId;
    this.byDeviceToken = facts.byDeviceToken;
    this.connectedAt = facts.connectedAt;
    this.cumulative = facts.cumulative;
  }

  get caller(): Caller {
    return this.#caller;
  }

  /** The user of this client, whose preferences it shares: one for each key. It says nothing of the key's name. */
  get profileId(): string {
    return createHash("sha256").update(`sluice profile ${this.#caller.name}`).digest("base64url");
  }

  get scopes(): readonly string[] {
    return this.#scopes;
  }

  /** The caller's own upstream key, if its handshake carried one. */
  get upstreamKey(): string | undefined {
    return this.#connection.upstreamKey;
  }

  /** Replaces the caller by the same one with its key's present grant. */
  become(caller: Caller): void {
    this.#caller = caller;
    this.#scopes = grantedScopes(caller, this.#claimed);
  }

  /** Whether the client has this scope. */
  may(scope: Scope): boolean {
    return covers(this.#scopes, scope);
  }

  /** Whether the socket takes stream frames now. */
  get writable(): boolean {
    return this.#connection.writable;
  }

  /** What other clients may see of this one: never its address. */
  get presence() {
    const { id, version, platform, mode, instanceId } = this.about;
    return {
      // Older schemas have no field for a client's id.
      text: id,
      version,
      platform,
      mode,
      ...(instanceId !== undefined && { instanceId }),
      reason: "connect",
      scopes: this.scopes,
      // By this the Control UI knows who it is, without which it keeps preferences in its browser alone.
      user: { id: this.profileId, identity: { type: "profile", id: this.profileId } },
      ...(this.deviceId !== undefined && { deviceId: this.deviceId }),
      ts: this.connectedAt,
    };
  }

  /** Sends an event frame, encoded up to its outer `seq` as by `eventHead`. */
  event(head: string): void {
    this.#connection.send(`${head}${++this.#seq}}`);
  }

  /** Closes the connection after a fault of ours: the client reconnects and reads the history. */
  hangUp(): void {
    this.#connection.close(INTERNAL_CLOSE, "internal");
  }

  /** Whether its connection is closing because its device may no longer sign in: its requests count no more. */
  get expelled(): boolean {
    return this.#expelled;
  }

  /** Closes the connection because its device may no longer sign in; what was sent before still arrives. */
  expel(): void {
    this.#expelled = true;
    this.#connection.close(OPENCLAW_CLOSE.deviceRemoved.code, OPENCLAW_CLOSE.deviceRemoved.reason);
  }

  /** Sends the response to a request. */
  respond(id: string, payload: unknown): void {
    this.#connection.send(JSON.stringify({ type: "res", id, ok: true, payload: payload ?? null }));
  }

  /** Sends an error as the response to a request. */
  refuse(id: string, error: ErrorShape, payload?: unknown): void {
    this.#connection.send(
      JSON.stringify({ type: "res", id, ok: false, ...(payload !== undefined && { payload }), error }),
    );
  }

  /** The socket takes stream frames again: sends what collected meanwhile, one frame a track. */
  drained(): void {
    for (const subscription of this.subscriptions) {
      if (!this.writable) return;
      subscription.flush();
    }
  }
}
