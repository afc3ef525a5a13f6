import type { Target } from "../dialect/routing.ts";
import { GatewayError } from "../kernel/errors.ts";
import { matchesName } from "../kernel/name-pattern.ts";
import type { AwayPolicy } from "../stream/registered-stream.ts";

/** What a key permits. `chat`: the OpenClaw face; `streams`: all other faces; `admin` includes every scope. */
export const SCOPES = ["chat", "streams", "read", "logs", "admin"] as const;
/** One thing a gateway key may allow. */
export type Scope = (typeof SCOPES)[number];

/** What grants a key something: keys are created with it. */
const CREATE = "sluice keys create --";

/** The request header with the caller's own upstream key. */
export const UPSTREAM_KEY_HEADER = "x-sluice-upstream-key";

/** The authenticated identity that limits and records apply to. */
export interface Caller {
  readonly name: string;
  /** Undefined for the shared token and for local clients, which may do everything without caps. */
  readonly grant?: Grant;
}

/** Who sends a request, and the upstream key it brings. */
export interface Identity {
  readonly caller: Caller;
  /** The caller's own key. Never stored or logged. */
  readonly upstreamKey: string | undefined;
}

/** What one gateway key grants. Read again on every open and resume, because keys change while sockets live. */
export interface Grant {
  readonly keyId: string;
  /** Which secret was presented: a rotated key has two for a while. */
  readonly secretId?: string | undefined;
  readonly scopes: ReadonlySet<Scope>;
  /** Permitted names, or patterns such as `claude-*`; undefined: all. */
  readonly models: ReadonlySet<string> | undefined;
  readonly routes: ReadonlySet<string> | undefined;
  readonly caps: Caps;
  /** The team that it spends for. */
  readonly team?: Team | undefined;
  /** What happens to its streams without a reader, unless an open says otherwise. */
  readonly away: AwayPolicy | undefined;
  /** Whether the upstream of a cancelled stream is closed at once or drained, within limits, to learn its usage. */
  readonly onAbort: OnAbort;
  /** Whose provider key pays: the gateway's, the caller's own, or the caller's if it brings one. */
  readonly upstreamKeys: UpstreamKeys;
}

/** See `Grant.onAbort`. */
export const ON_ABORT = ["cancel", "drain"] as const;
/** What happens to the upstream call of a cancelled stream: closed, or drained for its usage. */
export type OnAbort = (typeof ON_ABORT)[number];

/** See `Grant.upstreamKeys`. */
export const UPSTREAM_KEYS = ["managed", "own", "own_or_managed"] as const;
/** Whose provider key pays: the route's, the caller's own, or either. */
export type UpstreamKeys = (typeof UPSTREAM_KEYS)[number];

/** Several keys with caps together, beside each one's own. */
export interface Team {
  readonly name: string;
  readonly caps: Caps;
}

/** Limits on what one key may use; undefined: unlimited. Days and months are those of UTC. */
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

/** Whether the caller's key has the scope, or `admin`. */
export function mayDo(caller: Caller, scope: Scope): boolean {
  const scopes = caller.grant?.scopes;
  return !scopes || scopes.has(scope) || scopes.has("admin");
}

/** Throws `forbidden` if the caller's key lacks the scope. */
export function requireScope(caller: Caller, scope: Scope): void {
  if (!mayDo(caller, scope))
    throw new GatewayError("forbidden", `the key lacks the scope ${scope}`, { setting: `${CREATE}scopes` });
}

/**
 * Whether the caller may use a model, or a route without a model. Every list of its key must permit the target: a key with a
 * list of models may not use a bare route, on which the request's body chooses the model. Of a model with several targets,
 * one permitted route suffices: it is tried on those alone.
 */
export function mayUse({ grant }: Caller, { route, model }: Target): boolean {
  const routes = model?.fallback?.targets ?? [{ route }];
  if (grant?.routes && !routes.some((one) => grant.routes?.has(one.route.name))) return false;
  if (!grant?.models) return true;
  return model !== undefined && (grant.models.has(model.alias) || matchesAny(grant.models, model.alias));
}

function matchesAny(patterns: ReadonlySet<string>, name: string): boolean {
  for (const pattern of patterns) if (pattern.includes("*") && matchesName(pattern, name)) return true;
  return false;
}

/** Throws `forbidden` if the caller may not use the target. */
export function requireUse(caller: Caller, target: Target): void {
  if (mayUse(caller, target)) return;
  const setting = `${CREATE}models, --routes`;
  throw new GatewayError("forbidden", "the key does not allow this model or route", { setting });
}

/** Throws `forbidden` if the caller may not use the target, may not bring an upstream key, or must bring one. */
export function checkOpen(caller: Caller, target: Target, upstreamKey: string | undefined): void {
  requireUse(caller, target);
  // Without a grant there is no policy.
  const policy = caller.grant?.upstreamKeys ?? "own_or_managed";
  if (policy === "managed" && upstreamKey !== undefined) {
    throw new GatewayError("forbidden", "the key may not bring an upstream key of its own", {
      setting: `${CREATE}upstream-key`,
    });
  }
  if (policy === "own" && upstreamKey === undefined) {
    throw new GatewayError("forbidden", "the key must bring an upstream key of its own", {
      setting: `${CREATE}upstream-key`,
    });
  }
}
