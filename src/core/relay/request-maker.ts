import type { JsonObject } from "../kernel/json.ts";
import type { Amendment, UpstreamRequest } from "../ports/upstream.ts";
import type { Reservation } from "../quota/reservation.ts";
import { type OpenRequest, upstreamRequest } from "./open-request.ts";

/**
 * Makes an attempt's upstream request within its output limit: now, throwing what the dialect throws; or when it is called, if
 * the limit is not decided yet.
 */
export function requestMaker(
  request: OpenRequest,
  body: JsonObject,
  amendment: Amendment | undefined,
  reservation: Reservation | undefined,
): () => UpstreamRequest {
  const make = () => {
    const limit = reservation?.maxOutputTokens;
    const limited = limit === undefined ? body : request.target.route.dialect.limited(body, limit);
    return upstreamRequest(request, limited, amendment);
  };
  if (reservation?.opening !== undefined) return make;
  const made = make();
  return () => made;
}
