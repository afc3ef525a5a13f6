import { ClientFrame, type OpenFrame } from "../../../protocol/stream.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { numberOf } from "../../core/kernel/exact-number.ts";
import { asObject, FIT_JSON, isObject, type JsonObject, type JsonValue } from "../../core/kernel/json.ts";
import { usualFrame } from "./usual-frames.ts";

const TYPES: readonly unknown[] = ["open", "cancel", "ack", "resume"];

/** No frame has as many fields. */
const MAX_FIELDS = 16;
/** An ack may name streams that have just ended besides those that are open. */
const ACKS_PER_STREAM = 2;

/**
 * Reads a client's frame. Throws `bad_frame` or `unknown_method`; the message names the field, never its value. How many
 * members it has is looked at before any of them is.
 */
export function readFrame(value: unknown, streamsPerConnection: number): ClientFrame {
  if (!isObject(value)) throw new GatewayError("bad_frame", `a frame is one JSON object, ${FIT_JSON}`);
  checkCount("frame", value, MAX_FIELDS);
  if (isObject(value.streams)) checkCount("streams", value.streams, streamsPerConnection * ACKS_PER_STREAM);
  const usual = usualFrame(value);
  if (usual) return usual;
  return schemaFrame(withPlainNumbers(value));
}

/** Reads the numbers of the frame itself; those of a body are passed on as they are written. */
const withPlainNumbers = (frame: JsonObject): JsonObject =>
  mapFields(frame, (name, value) =>
    name === "streams" && isObject(value)
      ? mapFields(value, (_, seq) => numberOf(seq) ?? seq)
      : (numberOf(value) ?? value),
  );

const mapFields = (object: JsonObject, change: (name: string, value: JsonValue | undefined) => JsonValue | undefined) =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(name, value)]));

function schemaFrame(value: JsonObject): ClientFrame {
  // The schema passes over it.
  if (Object.hasOwn(value, "__proto__")) throw new GatewayError("bad_frame", "frame: __proto__ is no field");
  if (!TYPES.includes(value.type)) throw new GatewayError("unknown_method", "unknown frame type");
  const result = ClientFrame.safeParse(value);
  if (result.success) return result.data.type === "open" ? withOwnBodies(result.data, value) : result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join(".") || "frame"}: ${message}`);
  throw new GatewayError("bad_frame", problems.join("; ").slice(0, 300));
}

/** Bodies as they were sent: the schema copies them, and leaves out what only the provider may judge. */
function withOwnBodies(frame: OpenFrame, { body, bodies }: JsonObject): OpenFrame {
  if (frame.bodies === undefined) return { ...frame, body: asObject(body) ?? {} };
  const own = Object.keys(frame.bodies).map((name) => [name, asObject(asObject(bodies)?.[name]) ?? {}]);
  return { ...frame, bodies: Object.fromEntries(own) };
}

function checkCount(name: string, value: JsonObject, limit: number): void {
  let count = 0;
  for (const _ in value)
    if (++count > limit) throw new GatewayError("bad_frame", `${name}: more than ${limit} members`);
}
