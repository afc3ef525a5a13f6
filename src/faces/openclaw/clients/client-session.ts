import type { ConnectParams, ErrorShape } from "../../../../protocol/openclaw/frames.ts";
import type { Scope } from "../../../../protocol/openclaw/wire.ts";
import type { Caller } from "../../../core/caller/caller.ts";
import type { Connection } from "../../../core/ports/connection.ts";
import { covers, grantedScopes } from "./granted-scopes.ts";

/** RFC 6455, 7.4.1: a server met a condition it did not expect. */
const INTERNAL_CLOSE = 1011;

/** An event frame up to the number of its outer `seq`, so that one encoding serves every connection. */
export function eventHead(name: string, payload: object): string {
  return `{"type":"event","event":"${name}","payload":${JSON.stringify(payload)},"seq":`;
}

/** One client past its handshake: what it may do, what it asked to hear, and the way to its socket. */
export class ClientSession {
  readonly id: string;
  readonly about: ConnectParams["client"];
  readonly caps: ReadonlySet<string>;
  readonly connectedAt: number;
  /** Cumulative text in every delta, for clients that do not add up increments. */
  readonly cumulative: boolean;
  /** One for each run this client is watching. */
  readonly subscriptions = new Set<{ flush(): void }>();
  /** Sessions whose messages it subscribed to, by key. */
  readonly messagesOf = new Set<string>();
  /** Whether it wants `sessions.changed`. */
  followsSessions = false;
  readonly #connection: Connection;
  readonly #claimed: readonly string[];
  #caller: Caller;
  #scopes: readonly string[];
  /** Counted when a frame is handed to the socket, after coalescing: a client never sees a gap. */
  #seq = 0;

  constructor(
    connection: Connection,
    facts: {
      readonly caller: Caller;
      readonly client: ConnectParams["client"];
      /** The scopes the client asked for. */
      readonly claimed: readonly string[];
      readonly caps: readonly string[];
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
    this.connectedAt = facts.connectedAt;
    this.cumulative = facts.cumulative;
  }

  get caller(): Caller {
    return this.#caller;
  }

  get scopes(): readonly string[] {
    return this.#scopes;
  }

  /** The caller's own upstream key, if its handshake brought one. */
  get upstreamKey(): string | undefined {
    return this.#connection.upstreamKey;
  }

  /** The same caller, with what its key grants now. */
  become(caller: Caller): void {
    this.#caller = caller;
    this.#scopes = grantedScopes(caller, this.#claimed);
  }

  may(scope: Scope): boolean {
    return covers(this.#scopes, scope);
  }

  get writable(): boolean {
    return this.#connection.writable;
  }

  /** What other clients may see of this one: what it is, not where it is. */
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
      ts: this.connectedAt,
    };
  }

  /** Sends an event frame that was encoded up to its outer `seq`. */
  event(head: string): void {
    this.#connection.send(`${head}${++this.#seq}}`);
  }

  /** Closes its connection after a fault of ours: the client comes back and reads the history. */
  hangUp(): void {
    this.#connection.close(INTERNAL_CLOSE, "internal");
  }

  respond(id: string, payload: unknown): void {
    this.#connection.send(JSON.stringify({ type: "res", id, ok: true, payload: payload ?? null }));
  }

  refuse(id: string, error: ErrorShape, payload?: unknown): void {
    this.#connection.send(
      JSON.stringify({ type: "res", id, ok: false, ...(payload !== undefined && { payload }), error }),
    );
  }

  /** The socket takes stream frames again: every run that is behind sends what it held back, as one frame each. */
  drained(): void {
    for (const subscription of this.subscriptions) {
      if (!this.writable) return;
      subscription.flush();
    }
  }
}
