import { BoundedMap } from "../kernel/bounded-map.ts";
import type { Clock } from "../kernel/clock.ts";
import { GatewayError } from "../kernel/errors.ts";
import type { JsonValue } from "../kernel/json.ts";

/** Base64 up to this many characters is hashed in full; longer data, such as pictures, only in samples. */
const MAX_HASHED = 65_536;
const SAMPLES = 16;
const SAMPLE_CHARACTERS = 256;
/** Base64, or a data URL of it. */
const BASE64 = /^(data:[\w/+.-]+;base64,)?[\w+/=-]*$/;

/** A cryptographic hash, so that records contain no prompts or keys. Passed in, because the core has no crypto module. */
export type Digest = (text: string) => string;

/** Requests with the same idempotency key must have equal fingerprints. */
export interface Fingerprint {
  /** Digest of the request. */
  readonly request: string;
  /** Digest of the caller and the paying upstream key; undefined if no longer known, which matches any. */
  readonly payer: string | undefined;
}

/** The fingerprint of a request. `payer`: the caller's name and its own upstream key, if any. */
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

/** Hashing a 7 MB picture in full blocks the event loop for 37 ms, hashing samples for 0.4 ms. */
function sampled(_key: string, value: JsonValue): JsonValue {
  if (typeof value !== "string" || value.length <= MAX_HASHED) return value;
  const step = (value.length - SAMPLE_CHARACTERS) / (SAMPLES - 1);
  const samples = Array.from({ length: SAMPLES }, (_, index) => {
    const from = Math.round(index * step);
    return value.slice(from, from + SAMPLE_CHARACTERS);
  });
  // Text is hashed in full, about 2 ms per megabyte: changing one word of a long document makes another request.
  return samples.every((sample) => BASE64.test(sample)) ? [value.length, ...samples] : value;
}

/** What is remembered of a request. */
export interface IdempotencyRecord {
  readonly fingerprint: Fingerprint;
}

/** How many records are kept, and for how long. */
export interface IdempotencyLimits<Kept> {
  /** How many records are kept; the oldest are forgotten first. */
  readonly maxRecords: number;
  /** How long records are kept, in milliseconds; as long as there is room if left out. */
  readonly maxAgeMs?: number;
  /** Whether a record must be kept, whatever its age. */
  readonly isInUse?: (record: Kept) => boolean;
}

/** Accepted requests by idempotency key, so that a repeated request finds the first one and is not billed twice. */
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

  /** The record of a key, whatever was requested with it. */
  get(key: string): Kept | undefined {
    this.#forgetOld();
    return this.#records.get(key)?.record;
  }

  /**
   * The record of an earlier request with this key; undefined for a new key. `stored` looks up records no longer in memory.
   * Throws `bad_request` if the key was used for another request or by another payer.
   */
  find(key: string, fingerprint: Fingerprint, stored?: () => Kept | undefined): Kept | undefined {
    const record = this.get(key) ?? stored?.();
    if (record) checkSame(record.fingerprint, fingerprint);
    return record;
  }

  /** Remembers an accepted request. */
  add(key: string, record: Kept): void {
    this.#records.set(key, { record, at: this.#clock.now() });
  }

  /** The request was refused after all: its key is free again. */
  remove(key: string, record: Kept): void {
    if (this.#records.get(key)?.record === record) this.#records.delete(key);
  }

  #forgetOld(): void {
    const { maxAgeMs = Number.POSITIVE_INFINITY, isInUse } = this.#limits;
    const oldest = this.#clock.now() - maxAgeMs;
    this.#records.forgetWhile(({ record, at }) => at < oldest && !isInUse?.(record));
  }
}

/** Throws `bad_request` if an idempotency key was used for another request, or by another payer. */
export function checkSame(one: Fingerprint, other: Fingerprint): void {
  if (!isSame(one, other)) throw new GatewayError("bad_request", "the idempotency key was used for another request");
}

const isSame = (one: Fingerprint, other: Fingerprint): boolean =>
  one.request === other.request && (one.payer === undefined || other.payer === undefined || one.payer === other.payer);
