import type { Target } from "../dialect/routing.ts";
import { GatewayError } from "../kernel/errors.ts";
import { matchesName } from "../kernel/name-pattern.ts";
import type { AwayPolicy } from "../stream/registry.ts";

/** What a key lets its callers do. `chat`: the OpenClaw face; `streams`: all others; `admin` includes every other. */
export const SCOPES = ["chat", "streams", "read", "logs", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** With it a handshake or request brings the caller's own upstream key. */
export const UPSTREAM_KEY_HEADER = "x-sluice-upstream-key";

/** The authenticated identity that limits and records are about. */
export interface Caller {
  readonly name: string;
  /** Undefined for the shared token and for local clients: they may do everything, without caps. */
  readonly grant?: Grant;
}

/** Who a request comes from, and the upstream key it brings. */
export interface Identity {
  readonly caller: Caller;
  /** The caller's own, in memory only. */
  readonly upstreamKey: string | undefined;
}

/** What one gateway key grants. A fresh one is read on every open and resume: keys change while sockets live. */
export interface Grant {
  readonly keyId: string;
  /** Which of the key's secrets was shown: a key that is rotated has two for a while. */
  readonly secretId?: string | undefined;
  readonly scopes: ReadonlySet<Scope>;
  /** Names that may be used, or patterns of them such as `claude-*`; undefined: all. */
  readonly models: ReadonlySet<string> | undefined;
  readonly routes: ReadonlySet<string> | undefined;
  readonly caps: Caps;
  /** What happens to its streams while nobody reads, unless an open says otherwise. */
  readonly away: AwayPolicy | undefined;
  /** A cancelled stream's upstream is closed at once, or read on for its usage within a bound. */
  readonly onAbort: OnAbort;
  /** Whose provider key pays: the gateway's, the caller's own, or the caller's where there is one. */
  readonly upstreamKeys: UpstreamKeys;
}

export const ON_ABORT = ["cancel", "drain"] as const;
export type OnAbort = (typeof ON_ABORT)[number];

export const UPSTREAM_KEYS = ["managed", "own", "own_or_managed"] as const;
export type UpstreamKeys = (typeof UPSTREAM_KEYS)[number];

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

/** Throws `forbidden` when the caller's key lacks the scope. */
export function requireScope(caller: Caller, scope: Scope): void {
  if (!mayDo(caller, scope)) throw new GatewayError("forbidden", `the key lacks the scope ${scope}`);
}

/**
 * Whether the caller may use a model, or a route alone. Every list its key has must name the target: a key with models
 * cannot use a bare route, where the request body would choose any model.
 */
export function mayUse({ grant }: Caller, { route, model }: Target): boolean {
  if (grant?.routes && !grant.routes.has(route.name)) return false;
  if (!grant?.models) return true;
  return model !== undefined && (grant.models.has(model.alias) || matchesAny(grant.models, model.alias));
}

function matchesAny(patterns: ReadonlySet<string>, name: string): boolean {
  for (const pattern of patterns) if (pattern.includes("*") && matchesName(pattern, name)) return true;
  return false;
}

/** Throws `forbidden` when the caller may not use the target, or not with this upstream key, or not without one. */
export function checkOpen(caller: Caller, target: Target, upstreamKey: string | undefined): void {
  if (!mayUse(caller, target)) throw new GatewayError("forbidden", "the key does not allow this model or route");
  // Without a grant there is no policy: a caller may bring a key or leave it.
  const policy = caller.grant?.upstreamKeys ?? "own_or_managed";
  if (policy === "managed" && upstreamKey !== undefined) {
    throw new GatewayError("forbidden", "the key may not bring an upstream key of its own");
  }
  if (policy === "own" && upstreamKey === undefined) {
    throw new GatewayError("forbidden", "the key must bring an upstream key of its own");
  }
}
