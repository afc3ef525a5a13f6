import type { AwayPolicy } from "./shelf.ts";

/** What a key lets its callers do. `chat`: the OpenClaw face; `streams`: all others; `admin` includes every other. */
export const SCOPES = ["chat", "streams", "read", "logs", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** The authenticated identity that limits and records are about. */
export interface Caller {
  readonly name: string;
  /** Undefined for the shared token and for local clients: they may do everything, without caps. */
  readonly grant?: Grant;
}

/** What one gateway key grants. A fresh one is read on every open and resume: keys change while sockets live. */
export interface Grant {
  readonly keyId: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Names that may be used; undefined: all. */
  readonly models: ReadonlySet<string> | undefined;
  readonly routes: ReadonlySet<string> | undefined;
  readonly caps: Caps;
  /** What happens to its streams while nobody reads, unless an open says otherwise. */
  readonly away: AwayPolicy | undefined;
  /** A cancelled stream's upstream is closed at once, or read on for its usage within a bound. */
  readonly onAbort: "cancel" | "drain";
  /** Whose provider key pays: the gateway's, the caller's own, or the caller's where there is one. */
  readonly upstreamKeys: "managed" | "own" | "own_or_managed";
}

/** Ceilings of one key; undefined: none. Days and months are those of UTC. */
export interface Caps {
  readonly tokensPerDay?: number | undefined;
  readonly tokensPerMonth?: number | undefined;
  /** In the currency of the models' prices. */
  readonly costPerDay?: number | undefined;
  readonly costPerMonth?: number | undefined;
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  readonly concurrentStreams?: number | undefined;
}

export function mayDo(caller: Caller, scope: Scope): boolean {
  const scopes = caller.grant?.scopes;
  return !scopes || scopes.has(scope) || scopes.has("admin");
}
