import { BoundedMap } from "../kernel/bounded-map.ts";
import type { Clock } from "../kernel/clock.ts";
import { GatewayError } from "../kernel/errors.ts";
import type { JsonValue } from "../kernel/json.ts";

/** Base64 up to this length counts in full; of anything longer, such as a picture's, only samples do. In characters. */
const MAX_HASHED = 65_536;
const SAMPLES = 16;
const SAMPLE_CHARACTERS = 256;
/** Pictures also come as data URLs, whose first characters say so. */
const BASE64 = /^(data:[\w/+.-]+;base64,)?[\w+/=-]*$/;

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
  // Prose and code are hashed whole, some 2 ms a megabyte: a word changed in a long document is another request.
  return samples.every((sample) => BASE64.test(sample)) ? [value.length, ...samples] : value;
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
  readonly #records: BoundedMap<string, { readonly record: Kept; readonly at: number }>;

  constructor(limits: IdempotencyLimits<Kept>, clock: Pick<Clock, "now">) {
    const { maxRecords, isInUse } = limits;
    this.#limits = limits;
    this.#clock = clock;
    this.#records = new BoundedMap(maxRecords, ({ record }) => !isInUse?.(record));
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
    this.#records.set(key, { record, at: this.#clock.now() });
  }

  #forgetOld(): void {
    const { maxAgeMs = Number.POSITIVE_INFINITY, isInUse } = this.#limits;
    const oldest = this.#clock.now() - maxAgeMs;
    this.#records.forgetWhile(({ record, at }) => at < oldest && !isInUse?.(record));
  }
}

const isSame = (one: Fingerprint, other: Fingerprint): boolean =>
  one.request === other.request && (one.payer === undefined || other.payer === undefined || one.payer === other.payer);
