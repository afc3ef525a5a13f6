import { type Caps, ON_ABORT, SCOPES, UPSTREAM_KEYS } from "../../../core/caller/caller.ts";
import { type GatewayKey, RESERVED_CALLERS } from "../../../core/caller/key-ring.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import { CAP_OPTIONS, NONE, readCapChange, readCaps } from "./cap-options.ts";

/** The options of `sluice keys create`. */
export const CREATE_OPTIONS = {
  scopes: { type: "string" },
  models: { type: "string" },
  routes: { type: "string" },
  team: { type: "string" },
  ...CAP_OPTIONS,
  away: { type: "string" },
  "on-abort": { type: "string" },
  "upstream-key": { type: "string" },
  expires: { type: "string" },
} as const;

type Values = Readonly<Partial<Record<keyof typeof CREATE_OPTIONS, string>>>;

const AWAY_POLICIES = ["continue", "finish", "cancel"] as const;
const CALLER = /^[A-Za-z0-9][A-Za-z0-9._@:-]{0,63}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;
const NAME_PATTERN = /^[A-Za-z0-9*@][A-Za-z0-9._:/@*-]{0,127}$/;
const MS_OF = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Reads a new key, without its id and secret. Throws `bad_request` naming the wrong option. */
export function readKey(caller: string, values: Values, wallMs: number): Omit<GatewayKey, "id" | "secrets"> {
  if (!CALLER.test(caller))
    throw bad("a caller's name has up to 64 letters, digits and . _ @ : -, and begins with a letter or digit");
  if (RESERVED_CALLERS.includes(caller)) throw bad(`${caller} is the name of callers without a key; choose another`);
  return {
    caller,
    scopes: values.scopes === undefined ? ["chat", "streams"] : readScopes(values.scopes),
    models: readNames("models", values.models, NAME_PATTERN),
    routes: readNames("routes", values.routes),
    caps: readCaps(values),
    // Its caps are those that the store has.
    ...(values.team !== undefined && { team: { name: readTeam(values.team), caps: {} } }),
    away: values.away === undefined ? undefined : readChoice("away", values.away, AWAY_POLICIES),
    onAbort: readChoice("on-abort", values["on-abort"] ?? "cancel", ON_ABORT),
    upstreamKeys: readChoice("upstream-key", values["upstream-key"] ?? "managed", UPSTREAM_KEYS),
    createdAt: wallMs,
    expiresAt: values.expires === undefined ? undefined : readExpiry(values.expires, wallMs),
  };
}

/** What is to change in a key; a cap that is to go is undefined. */
interface KeyChange {
  readonly caps: Caps;
  /** Undefined: it stays in its team. */
  readonly team: string | undefined;
}

/** Reads what is to change in a key. Throws `bad_request` naming the wrong option. */
export function readKeyChange(values: Values): KeyChange {
  const caps = readCapChange(values);
  const team = values.team === NONE || values.team === undefined ? values.team : readTeam(values.team);
  if (team === undefined && Object.keys(caps).length === 0)
    throw bad("keys change takes --team or caps; see sluice keys --help");
  return { caps, team };
}

/** The changed key. Throws `bad_request` if it is revoked. */
export function changedKey({ team, ...key }: GatewayKey, change: KeyChange): GatewayKey {
  if (key.revokedAt !== undefined) throw bad(`${key.id} is revoked`);
  const next = change.team === undefined ? team : change.team !== NONE && { name: change.team, caps: {} };
  return { ...key, caps: { ...key.caps, ...change.caps }, ...(next && { team: next }) };
}

/** A team's name. Throws `bad_request`. */
export function readTeam(name: string): string {
  if (CALLER.test(name) && name !== NONE) return name;
  throw bad(
    `a team's name has up to 64 letters, digits and . _ @ : -, begins with a letter or digit, and is not ${NONE}`,
  );
}

/** Reads `30d`, `12h`, `90m` or `45s`, in milliseconds. Throws `bad_request`. */
export function readDuration(option: string, text: string): number {
  const [, figure, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (unit === "s" || unit === "m" || unit === "h" || unit === "d") return Number(figure) * MS_OF[unit];
  throw bad(`--${option} takes a time such as 30d, 12h, 90m or 45s, not ${text}`);
}

function readExpiry(text: string, wallMs: number): number {
  if (!/^\d{4}-/.test(text)) return wallMs + readDuration("expires", text);
  // A time without an offset would mean a different moment on every machine.
  const isMoment = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/.test(text);
  const moment = isMoment ? Date.parse(text) : Number.NaN;
  if (moment > wallMs) return moment;
  throw bad(`--expires takes a future day such as 2027-01-31 (UTC), a time with an offset, or 30d, not ${text}`);
}

function readScopes(text: string): GatewayKey["scopes"] {
  return [...new Set(readList(text).map((scope) => readChoice("scopes", scope, SCOPES)))];
}

function readNames(option: string, text: string | undefined, form = NAME): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const names = readList(text);
  const wrong = names.find((name) => !form.test(name));
  if (wrong !== undefined || names.length === 0)
    throw bad(`--${option} takes a list of names such as a,b, not ${text}`);
  return names;
}

const readList = (text: string): string[] =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

function readChoice<Choice extends string>(option: string, text: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((known) => known === text);
  if (choice === undefined) throw bad(`--${option} takes ${choices.join(", ")}, not ${text}`);
  return choice;
}

const bad = (message: string) => new GatewayError("bad_request", message);
