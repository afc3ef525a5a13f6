import { GatewayError } from "../kernel/errors.ts";
import { fromNano } from "../usage/cost.ts";
import type { QuotaStatus } from "./quota.ts";

const words = (cap: string): string => cap.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** The option that gives a key this cap. */
const optionOf = (cap: string): string =>
  `sluice keys create --${cap.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Error details, in the unit in which the cap is configured. */
function facts(caller: string, { cap, limit, used, held, period }: QuotaStatus) {
  const figure = cap.startsWith("cost") ? fromNano : Number;
  return {
    caller,
    cap,
    limit: figure(limit),
    used: figure(used),
    ...(held > 0 && { reserved: figure(held) }),
    resetsAt: new Date(period.endsAt).toISOString(),
  };
}

/** The cap is used up until the period ends. No retry-after: clients given one would retry. */
export function capExceeded(caller: string, status: QuotaStatus): GatewayError {
  const details = facts(caller, status);
  const message = `${caller} has used up its ${words(status.cap)} (${details.limit}) until ${details.resetsAt}`;
  return new GatewayError("cap_exceeded", message, { details, setting: optionOf(status.cap) });
}

/** The request is larger than the cap: waiting does not help. */
export function neverFits(caller: string, status: QuotaStatus): GatewayError {
  const details = facts(caller, status);
  const message = `the request alone needs more than the ${words(status.cap)} of ${caller} (${details.limit})`;
  return new GatewayError("cap_exceeded", message, { details, setting: optionOf(status.cap) });
}

/** The rest is reserved for running streams; some of it is released when one of them ends. */
export function setAside(caller: string, status: QuotaStatus): GatewayError {
  const message = `what is left of the ${words(status.cap)} of ${caller} is reserved for its running streams`;
  return new GatewayError("too_many_streams", message, {
    details: facts(caller, status),
    setting: optionOf(status.cap),
  });
}

/** There is room in the next minute. */
export function minuteIsFull(caller: string, status: QuotaStatus, wallMs: number): GatewayError {
  const details = facts(caller, status);
  const retryAfterMs = Math.max(0, status.period.endsAt - wallMs);
  const message = `${caller} has no room left in its ${words(status.cap)} (${details.limit}) for this minute`;
  return new GatewayError("rate_limited", message, { details, retryAfterMs, setting: optionOf(status.cap) });
}

/** The caller runs as many streams as its cap permits. */
export function tooManyStreams(caller: string, limit: number): GatewayError {
  const details = { caller, cap: "concurrentStreams", limit };
  return new GatewayError("too_many_streams", `${caller} may run ${limit} streams at once`, {
    details,
    setting: optionOf(details.cap),
  });
}
