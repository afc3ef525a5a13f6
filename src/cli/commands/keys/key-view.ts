import type { Caps } from "../../../core/caller/caller.ts";
import type { GatewayKey } from "../../../core/caller/key-ring.ts";

/** A key as `--json` prints it: everything but its digests. */
export function keyView(key: GatewayKey, wallMs: number) {
  const { secrets, createdAt, expiresAt, revokedAt, team, ...rest } = key;
  const overlap = secrets.find(({ until }) => until !== undefined && until > wallMs)?.until;
  return {
    ...rest,
    team: team?.name,
    state: stateOf(key, wallMs),
    createdAt: timeOf(createdAt),
    expiresAt: timeOf(expiresAt),
    revokedAt: timeOf(revokedAt),
    oldSecretUntil: timeOf(overlap),
  };
}

const COLUMNS = ["id", "caller", "state", "scopes", "models", "routes", "upstream key", "expires", "team", "caps"];

/** A readable table of keys. */
export function keyTable(keys: readonly GatewayKey[], wallMs: number): string {
  const rows = keys.map((key) => [
    key.id,
    key.caller,
    stateOf(key, wallMs),
    key.scopes.join(","),
    key.models?.join(",") ?? "all",
    key.routes?.join(",") ?? "all",
    key.upstreamKeys,
    dayOf(key.expiresAt) ?? "never",
    key.team?.name ?? "none",
    capsOf(key.caps) || "none",
  ]);
  return inColumns([COLUMNS, ...rows]);
}

/** Rows below a heading as text, in columns. */
export function inColumns([heading = [], ...rows]: readonly (readonly string[])[]): string {
  const all = [heading.map((name) => name.toUpperCase()), ...rows];
  const widths = heading.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ");
  return all.map((row) => `${line(row).trimEnd()}\n`).join("");
}

function stateOf({ revokedAt, expiresAt }: GatewayKey, wallMs: number): "good" | "revoked" | "expired" {
  if (revokedAt !== undefined) return "revoked";
  return expiresAt !== undefined && wallMs >= expiresAt ? "expired" : "good";
}

/** `tokensPerDay: 5000` as `tokens/day 5000`. */
export const capsOf = (caps: Caps): string =>
  Object.entries(caps)
    .filter(([, cap]) => cap !== undefined)
    .map(([name, cap]) => `${name.replace("concurrentStreams", "streams at once").replace(/Per(.)/, perUnit)} ${cap}`)
    .join(", ");

const perUnit = (_: string, letter: string): string => `/${letter.toLowerCase()}`;

const timeOf = (wallMs: number | undefined): string | undefined =>
  wallMs === undefined ? undefined : new Date(wallMs).toISOString();

const dayOf = (wallMs: number | undefined): string | undefined => timeOf(wallMs)?.slice(0, 16).replace("T", " ");
