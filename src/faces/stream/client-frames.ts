import { createHash } from "node:crypto";
import { ClientFrame, type OpenFrame } from "../../../protocol/stream.ts";
import { GatewayError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import { usualFrame } from "./usual-frames.ts";

const TYPES: readonly unknown[] = ["open", "cancel", "ack", "resume"];

/** Reads a client's frame. Throws `bad_frame` or `unknown_method`; the message names the field, never its value. */
export function readFrame(value: unknown): ClientFrame {
  if (!isObject(value))
    throw new GatewayError("bad_frame", "a frame is one JSON object, not deeper than 64, without integers beyond 2^53");
  const usual = usualFrame(value);
  if (usual) return usual;
  if (!TYPES.includes(value.type)) throw new GatewayError("unknown_method", "unknown frame type");
  const result = ClientFrame.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join(".") || "frame"}: ${message}`);
  throw new GatewayError("bad_frame", problems.join("; ").slice(0, 300));
}

/**
 * What an open asks for and whose key pays, so that a second one with the same idempotency key can be told from another
 * request.
 */
export const fingerprint = ({ model, route, body }: OpenFrame, upstreamKey: string | undefined): string =>
  createHash("sha256")
    .update(JSON.stringify([model, route, body, upstreamKey]))
    .digest("base64");
