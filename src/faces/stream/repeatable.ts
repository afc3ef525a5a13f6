import { hash } from "node:crypto";
import type { OpenFrame } from "../../../protocol/stream.ts";
import { type Fingerprint, fingerprintOf } from "../../core/relay/idempotency.ts";

/** An open with an idempotency key. */
export interface Repeatable {
  /** Of the caller and its idempotency key: two callers may choose the same. */
  readonly key: string;
  readonly fingerprint: Fingerprint;
}

/** What makes an open repeatable; undefined without an idempotency key. */
export function repeatableOf(
  { idempotencyKey, model, route, body, bodies }: OpenFrame,
  caller: string,
  upstreamKey: string | undefined,
): Repeatable | undefined {
  if (idempotencyKey === undefined) return undefined;
  return {
    key: JSON.stringify([caller, idempotencyKey]),
    fingerprint: fingerprintOf(sha256, [model, route, body ?? { bodies }], [caller, upstreamKey]),
  };
}

const sha256 = (text: string): string => hash("sha256", text, "base64");
