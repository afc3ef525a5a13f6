import type { Clock } from "../kernel/clock.ts";
import { GatewayError } from "../kernel/errors.ts";
import type { JsonValue } from "../kernel/json.ts";

/** Text up to this length counts in full; of anything longer (a picture's base64) only samples do. In characters. */
const MAX_HASHED = 65_536;
const SAMPLES = 16;
const SAMPLE_CHARACTERS = 256;

/** A cryptographic hash of a text, so that no record holds a prompt or a key. The core brings none of its own. */
export type Digest = (text: string) => string;

/** What makes a request the same as an earlier one with its idempotency key. */
export interface Fingerprint {
  /** Of what was asked for. */
  readonly request: string;
  /** Of the caller and the upstream key that pays; undefined when that is not known any more, which matches anybody. */
  readonly payer: string | undefined;
}

/** `payer` is the caller's name and its own upstream key, if it brought one. */
export function fingerprintOf(
  digest: Digest,
  request: unknown,
  payer?: readonly [caller: string, upstreamKey: string | undefined],
): Fingerprint {
  return {
    request: digest(JSON.stringify(request, sampled)),
    payer: payer && digest(JSON.stringify(payer)),
  };
}

/** Hashing a 7 MB picture in full held the event loop for 37 ms, samples of it for 0.4 ms. */
function sampled(_key: string, value: JsonValue): JsonValue {
  if (typeof value !== "string" || value.length <= MAX_HASHED) return value;
  const step = (value.length - SAMPLE_CHARACTERS) / (SAMPLES - 1);
  const samples = Array.from({ length: SAMPLES }, (_, index) => {
    const from = Math.round(index * step);
    return value.slice(from, from + SAMPLE_CHARACTERS);
  });
  return [value.length, ...samples];
}

/** What is remembered of a request. */
export interface IdempotencyRecord {
  readonly fingerprint: Fingerprint;
}

export interface IdempotencyLimits<Kept> {
  /** Records kept at once; beyond it the oldest go first. */
  readonly maxRecords: number;
  /** How long a record is kept, in milliseconds; without it as long as there is room. */
  readonly maxAgeMs?: number;
  /** Records that must be kept whatever their age. */
  readonly isInUse?: (record: Kept) => boolean;
}

/** Accepted requests by their idempotency key: one that is sent again finds the first and is never billed twice. */
export class IdempotencyRecords<Kept extends IdempotencyRecord> {
  readonly #limits: IdempotencyLimits<Kept>;
  readonly #clock: Pick<Clock, "now">;
  /** Oldest first: a Map keeps the order of insertion. */
  readonly #records = new Map<string, { readonly record: Kept; readonly at: number }>();

  constructor(limits: IdempotencyLimits<Kept>, clock: Pick<Clock, "now">) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** The record of this key, whatever was asked for with it. */
  get(key: string): Kept | undefined {
    this.#forgetOld();
    return this.#records.get(key)?.record;
  }

  /**
   * The record of an earlier request with this key; undefined for a new key. `stored` finds one that is no longer in
   * memory. Throws `bad_request` when the key was used for another request, or by another payer.
   */
  find(key: string, fingerprint: Fingerprint, stored?: () => Kept | undefined): Kept | undefined {
    const record = this.get(key) ?? stored?.();
    if (!record || isSame(record.fingerprint, fingerprint)) return record;
    throw new GatewayError("bad_request", "the idempotency key was used for another request");
  }

  /** Remembers a request that was accepted. */
  add(key: string, record: Kept): void {
    this.#records.delete(key);
    this.#records.set(key, { record, at: this.#clock.now() });
    this.#forgetOld();
  }

  #forgetOld(): void {
    const { maxRecords, maxAgeMs = Number.POSITIVE_INFINITY, isInUse } = this.#limits;
    const oldest = this.#clock.now() - maxAgeMs;
    for (const [key, { record, at }] of this.#records) {
      if (at >= oldest && this.#records.size <= maxRecords) return;
      if (!isInUse?.(record)) this.#records.delete(key);
    }
  }
}

const isSame = (one: Fingerprint, other: Fingerprint): boolean =>
  one.request === other.request && (one.payer === undefined || other.payer === undefined || one.payer === other.payer);
