import { GatewayError } from "../kernel/errors.ts";
import { fromNano } from "../usage/cost.ts";
import type { Payer } from "./payer.ts";
import type { QuotaStatus } from "./quota.ts";

const words = (cap: string): string => cap.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** What gives each its caps. */
const GIVEN_BY = { key: "sluice keys create --", team: "sluice teams change --", all: "caps." } as const;

/** What sets this cap: an option, or a configuration key. */
const settingOf = ({ kind }: Payer, cap: string): string =>
  GIVEN_BY[kind] + (kind === "all" ? cap : cap.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));

/** How a message names whose caps they are. */
function nameOf({ kind, name }: Payer): string {
  if (kind === "all") return "the gateway";
  return kind === "team" ? `team ${name}` : name;
}

const theirs = (payer: Payer): string => (payer.kind === "key" ? "the key" : nameOf(payer));

/** Who is refused, and by whose cap if it is not the caller's own. */
const whose = ({ kind, name, caller }: Payer) => ({
  caller,
  ...(kind === "team" && { team: name }),
  ...(kind === "all" && { of: "all" }),
});

/** Error details, in the unit in which the cap is configured. */
function facts(payer: Payer, { cap, limit, used, held, period }: QuotaStatus) {
  const figure = cap.startsWith("cost") ? fromNano : Number;
  return {
    ...whose(payer),
    cap,
    limit: figure(limit),
    used: figure(used),
    ...(held > 0 && { reserved: figure(held) }),
    resetsAt: new Date(period.endsAt).toISOString(),
  };
}

/** The cap is used up until the period ends. No retry-after: clients given one would retry. */
export function capExceeded(payer: Payer, status: QuotaStatus): GatewayError {
  const details = facts(payer, status);
  const who = nameOf(payer);
  const message = `${who} has used up its ${words(status.cap)} (${details.limit}) until ${details.resetsAt}`;
  return new GatewayError("cap_exceeded", message, { details, setting: settingOf(payer, status.cap) });
}

/** The request is larger than the cap: waiting does not help. */
export function neverFits(payer: Payer, status: QuotaStatus): GatewayError {
  const details = facts(payer, status);
  const message = `the request alone needs more than the ${words(status.cap)} of ${nameOf(payer)} (${details.limit})`;
  return new GatewayError("cap_exceeded", message, { details, setting: settingOf(payer, status.cap) });
}

/** The rest is reserved for running streams; some of it is released when one of them ends. */
export function setAside(payer: Payer, status: QuotaStatus): GatewayError {
  const message = `what is left of the ${words(status.cap)} of ${nameOf(payer)} is reserved for its running streams`;
  return new GatewayError("too_many_streams", message, {
    details: facts(payer, status),
    setting: settingOf(payer, status.cap),
  });
}

/** There is room in the next minute. */
export function minuteIsFull(payer: Payer, status: QuotaStatus, wallMs: number): GatewayError {
  const details = facts(payer, status);
  const retryAfterMs = Math.max(0, status.period.endsAt - wallMs);
  const message = `${nameOf(payer)} has no room left in its ${words(status.cap)} (${details.limit}) for this minute`;
  return new GatewayError("rate_limited", message, { details, retryAfterMs, setting: settingOf(payer, status.cap) });
}

/** The caller runs as many streams as its cap permits. */
export function tooManyStreams(payer: Payer, limit: number): GatewayError {
  const details = { ...whose(payer), cap: "concurrentStreams", limit };
  return new GatewayError("too_many_streams", `${nameOf(payer)} may run ${limit} streams at once`, {
    details,
    setting: settingOf(payer, details.cap),
  });
}

/** There was no room when it was asked for, and there is some now. */
export const thereWasNoRoom = (): GatewayError =>
  new GatewayError("too_many_streams", "what is left of a cap is reserved for running streams");

/** There is a cap on cost, and nobody knows what the model costs. */
export const noPrice = (payer: Payer): GatewayError =>
  new GatewayError("forbidden", `${theirs(payer)} has a cap on cost, and the model has no price`, {
    setting: "models.<alias>.price",
  });

/** There is a cap on cost, and nobody knows what such a request costs. */
export const noCost = (payer: Payer): GatewayError =>
  new GatewayError("forbidden", `${theirs(payer)} has a cap on cost, and what this request costs is not known`);

/** There is a cap per day or month, and what is used cannot be recorded. */
export const unrecorded = (payer: Payer, retryAfterMs: number): GatewayError =>
  new GatewayError("ledger_unavailable", `${theirs(payer)} has caps, and its usage cannot be recorded`, {
    retryAfterMs,
  });
