import type { Caps } from "../../../core/caller/caller.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";

/** The options that give a key or a team its caps. */
export const CAP_OPTIONS = {
  "tokens-per-day": { type: "string" },
  "tokens-per-month": { type: "string" },
  "cost-per-day": { type: "string" },
  "cost-per-month": { type: "string" },
  "requests-per-minute": { type: "string" },
  "tokens-per-minute": { type: "string" },
  "concurrent-streams": { type: "string" },
} as const;

type CapOption = keyof typeof CAP_OPTIONS;

/** The values of these options. */
export type CapValues = Readonly<Partial<Record<CapOption, string | undefined>>>;

/** What removes a cap, or takes a key out of its team. */
export const NONE = "none";

const NAMES = Object.keys(CAP_OPTIONS) as CapOption[];

/** Reads caps. Throws `bad_request` naming the wrong option. */
export const readCaps = (values: CapValues): Caps =>
  Object.fromEntries(
    NAMES.filter((option) => values[option] !== undefined).map((option) => [
      capOf(option),
      readCap(option, String(values[option])),
    ]),
  );

/** The same for a change: `none` removes a cap, which is undefined then. */
export function readCapChange(values: CapValues): Caps {
  const removed = NAMES.filter((option) => values[option] === NONE);
  const kept = Object.fromEntries(
    NAMES.filter((option) => !removed.includes(option)).map((name) => [name, values[name]]),
  );
  return { ...readCaps(kept), ...Object.fromEntries(removed.map((option) => [capOf(option), undefined])) };
}

/** `tokens-per-day` as `tokensPerDay`. */
const capOf = (option: CapOption): string => option.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

const readCap = (option: CapOption, text: string): number =>
  option.startsWith("cost") ? readAmount(option, text) : readCount(option, text);

function readCount(option: CapOption, text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw bad(`--${option} takes a whole number above 0, not ${text}`);
}

function readAmount(option: CapOption, text: string): number {
  if (/^\d{1,9}(\.\d{1,6})?$/.test(text) && Number(text) > 0) return Number(text);
  throw bad(`--${option} takes an amount such as 20 or 2.50, not ${text}`);
}

const bad = (message: string) => new GatewayError("bad_request", message);
