import type { DialectName } from "../../protocol/dialects.ts";
import type { GatewayError } from "../core/kernel/errors.ts";
import { asNumber, asObject, asString, type JsonObject, parseJson } from "../core/kernel/json.ts";
import { refusalBody } from "./refusal-body.ts";
import { dialects } from "./registry.ts";

/** A server-sent event, as text. */
export interface EventText {
  readonly event: string | undefined;
  readonly data: string;
  /** Written as it is, without the format of an event. */
  readonly isUnframed?: true;
}

/**
 * The final events of a stream that failed midway. `first` and `last` are the first and the last event that the client has
 * received. Empty when `last` ends the stream already: the provider's own error, or an answer that was cut cleanly.
 */
export function errorEvents(
  dialect: DialectName,
  error: GatewayError,
  first: EventText | undefined,
  last: EventText | undefined,
): readonly EventText[] {
  if (last && isEnd(dialect, last)) return dialect === "google-gemini" ? unframedFailure(last) : [];
  const { body } = refusalBody(dialect, error);
  switch (dialect) {
    case "anthropic-messages":
      return [{ event: "error", data: body }];
    case "google-gemini":
      return [{ event: undefined, data: body }, ...unframed(body)];
    case "openai-responses":
      return failedResponse(asObject(asObject(parseJson(body))?.error) ?? {}, first, last);
    default:
      return [{ event: undefined, data: body }];
  }
}

const read = (dialect: DialectName, { event, data }: EventText) =>
  dialects.get(dialect)?.decoder().read(event, parseJson(data), data);

/** Gemini has no final event: its answers end with a finish reason. */
function isEnd(dialect: DialectName, event: EventText): boolean {
  const delta = read(dialect, event);
  return (
    delta?.error !== undefined ||
    delta?.complete === "now" ||
    (dialect === "google-gemini" && delta?.complete === "whole")
  );
}

/**
 * Google's SDK up to 1.30, which Gemini CLI 0.61 contains, recognises a failure only where Google itself puts it: as JSON that
 * is no event, in a write of its own. Later ones read events too, and other clients only these.
 */
const unframed = (data: string): readonly EventText[] => [{ event: undefined, data, isUnframed: true }];

/** The provider's own failure once more, without the format of an event. */
const unframedFailure = (last: EventText): readonly EventText[] =>
  read("google-gemini", last)?.error === undefined ? [] : unframed(last.data);

/**
 * `response.failed` about the response that was announced. If none was, an `error` event, nested and flat, comes first: the
 * vendor's SDKs throw it, while Codex shows only what `response.failed` says.
 */
function failedResponse(
  error: JsonObject,
  first: EventText | undefined,
  last: EventText | undefined,
): readonly EventText[] {
  const announced = asObject(asObject(parseJson(first?.data ?? ""))?.response);
  const before = asNumber(asObject(parseJson(last?.data ?? ""))?.sequence_number) ?? -1;
  const code = asString(error.code) ?? asString(error.type) ?? "server_error";
  const message = asString(error.message) ?? "";
  const response = { ...(announced ?? UNANNOUNCED), status: "failed", error: { code, message } };
  const failed = { type: "response.failed", response };
  const events = announced ? [failed] : [{ type: "error", code, message, param: error.param ?? null, error }, failed];
  return events.map((event, at) => ({
    event: event.type,
    data: JSON.stringify({ ...event, sequence_number: before + 1 + at }),
  }));
}

/** What stands for a response that has no id yet. */
const UNANNOUNCED = { id: "", object: "response", output: [] };
