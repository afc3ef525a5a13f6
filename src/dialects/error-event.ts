import type { DialectName } from "../../protocol/dialects.ts";
import type { GatewayError } from "../core/kernel/errors.ts";
import { asNumber, asObject, asString, type JsonObject, parseJson } from "../core/kernel/json.ts";
import { refusalBody } from "./refusal-body.ts";
import { dialects } from "./registry.ts";

/** A server-sent event, as text. */
export interface EventText {
  readonly event: string | undefined;
  readonly data: string;
}

/**
 * The event by which a stream of this dialect ends that broke after it began. `first` and `last` are what the client has
 * had of it. Undefined when the last one is the end already: the provider's own error, or an answer that was cut cleanly.
 */
export function errorEvent(
  dialect: DialectName,
  error: GatewayError,
  first: EventText | undefined,
  last: EventText | undefined,
): EventText | undefined {
  if (last && isEnd(dialect, last)) return undefined;
  const { body } = refusalBody(dialect, error);
  switch (dialect) {
    case "anthropic-messages":
      return { event: "error", data: body };
    case "openai-responses":
      return failedResponse(asObject(asObject(parseJson(body))?.error) ?? {}, first, last);
    default:
      return { event: undefined, data: body };
  }
}

function isEnd(dialect: DialectName, { event, data }: EventText): boolean {
  const delta = dialects.get(dialect)?.decoder().read(event, parseJson(data), data);
  return delta?.error !== undefined || delta?.complete === "now";
}

/** `response.failed` about the response that was announced; without one only an `error` event, nested and flat. */
function failedResponse(error: JsonObject, first: EventText | undefined, last: EventText | undefined): EventText {
  const announced = asObject(asObject(parseJson(first?.data ?? ""))?.response);
  const before = asNumber(asObject(parseJson(last?.data ?? ""))?.sequence_number) ?? -1;
  const code = asString(error.code) ?? "server_error";
  const message = asString(error.message) ?? "";
  const fields = announced
    ? { type: "response.failed", response: { ...announced, status: "failed", error: { code, message } } }
    : { type: "error", code, message, param: null, error };
  return { event: fields.type, data: JSON.stringify({ ...fields, sequence_number: before + 1 }) };
}
