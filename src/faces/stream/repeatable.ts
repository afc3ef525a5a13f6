import { hash } from "node:crypto";
import type { OpenFrame } from "../../../protocol/stream.ts";
import {
  type Fingerprint,
  fingerprintOf,
  type IdempotencyRecord,
  type IdempotencyRecords,
} from "../../core/relay/idempotency.ts";
import type { RegisteredStream } from "../../core/stream/registered-stream.ts";
import type { StreamRegistry } from "../../core/stream/registry.ts";
import type { Stream } from "../../core/stream/stream.ts";

/** The stream that an open with an idempotency key started. */
export interface StreamRecord extends IdempotencyRecord {
  readonly streamId: string;
}

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

/** The stream that the first open with this key started. Throws `bad_request` if that asked for something else. */
export function earlierOf(
  { key, fingerprint }: Repeatable,
  caller: string,
  {
    records,
    registry,
  }: { readonly records: IdempotencyRecords<StreamRecord>; readonly registry: Pick<StreamRegistry, "find"> },
): RegisteredStream | Promise<RegisteredStream> | undefined {
  const record = records.find(key, fingerprint);
  return record && registry.find(record.streamId, caller, 1, 0);
}

/** Later opens with this key find the stream, unless it is refused. */
export function remember(
  { key, fingerprint }: Repeatable,
  { info }: Stream,
  records: IdempotencyRecords<StreamRecord>,
): void {
  const record = { streamId: info.id, fingerprint };
  records.add(key, record);
  void info.opening?.decided?.then((refusal) => refusal && records.remove(key, record));
}

const sha256 = (text: string): string => hash("sha256", text, "base64");
