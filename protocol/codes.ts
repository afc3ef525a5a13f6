/**
 * Every failure Sluice can report, once. A code is the same word in a frame, in a log line and in a metric.
 *
 * `httpStatus` is used when the failure is answered over HTTP, `closeCode` when it ends a WebSocket. Close codes from
 * 4000 to 4499 ask the client to reconnect with backoff, from 4500 it must not (the range rule of Centrifugo).
 */
export interface CodeInfo {
  readonly meaning: string;
  readonly httpStatus: number;
  readonly retryable: boolean;
  readonly closeCode?: number;
  /** When to try again, in milliseconds, unless the failure itself knows better. Without one, clients retry too soon. */
  readonly retryAfterMs?: number;
}

const define = <Name extends string>(table: Record<Name, CodeInfo>): Readonly<Record<Name, CodeInfo>> => table;

export const CODES = define({
  // what the client sent
  bad_frame: { meaning: "the frame is not valid", httpStatus: 400, retryable: false, closeCode: 1008 },
  unknown_method: { meaning: "no such method or frame type", httpStatus: 404, retryable: false },
  bad_request: { meaning: "the parameters are not valid", httpStatus: 400, retryable: false },
  duplicate_id: { meaning: "this stream id is in use on this connection", httpStatus: 409, retryable: false },
  unknown_model: { meaning: "no such model", httpStatus: 404, retryable: false },
  unknown_route: { meaning: "no such route", httpStatus: 404, retryable: false },
  unknown_session: { meaning: "no such session", httpStatus: 404, retryable: false },
  session_busy: { meaning: "an answer is running in this session", httpStatus: 409, retryable: true },
  unsupported: { meaning: "this gateway or route cannot do that", httpStatus: 400, retryable: false },
  frame_too_large: { meaning: "the frame is larger than allowed", httpStatus: 413, retryable: false, closeCode: 1009 },
  binary_frame: { meaning: "binary frames are not understood", httpStatus: 400, retryable: false, closeCode: 1003 },
  slow_sender: { meaning: "the message came too slowly", httpStatus: 408, retryable: true, closeCode: 4031 },
  too_many_violations: { meaning: "too many invalid frames", httpStatus: 429, retryable: false, closeCode: 4508 },
  too_many_streams: {
    meaning: "too many streams are open",
    httpStatus: 429,
    retryable: true,
    retryAfterMs: 1_000,
  },
  rate_limited: { meaning: "too many requests", httpStatus: 429, retryable: true, closeCode: 4029 },
  not_found: { meaning: "no such page", httpStatus: 404, retryable: false },

  // who the client is
  unauthorized: { meaning: "missing or wrong credentials", httpStatus: 401, retryable: false, closeCode: 4501 },
  forbidden: { meaning: "the caller may not do that", httpStatus: 403, retryable: false, closeCode: 4503 },
  origin_not_allowed: { meaning: "this web origin is not allowed", httpStatus: 403, retryable: false },
  host_not_allowed: { meaning: "this Host header is not allowed", httpStatus: 403, retryable: false },
  handshake_timeout: { meaning: "no valid handshake in time", httpStatus: 408, retryable: true, closeCode: 4008 },
  bad_protocol_version: { meaning: "no common protocol version", httpStatus: 400, retryable: false, closeCode: 4506 },

  // what the caller may spend
  cap_exceeded: { meaning: "the caller's cap is reached", httpStatus: 429, retryable: false },
  ledger_unavailable: { meaning: "usage cannot be recorded", httpStatus: 503, retryable: true },

  // the upstream
  upstream_unreachable: { meaning: "the upstream could not be connected", httpStatus: 502, retryable: true },
  upstream_not_allowed: {
    meaning: "the configuration does not allow the upstream's address",
    // No measured agent repeats a 400; they all repeat a 502, whatever else it says.
    httpStatus: 400,
    retryable: false,
  },
  upstream_rate_limited: { meaning: "the upstream answered 429", httpStatus: 429, retryable: true },
  upstream_overloaded: { meaning: "the upstream is overloaded", httpStatus: 503, retryable: true },
  upstream_http_error: { meaning: "the upstream refused the request", httpStatus: 502, retryable: false },
  upstream_bad_response: { meaning: "the upstream did not answer with a stream", httpStatus: 502, retryable: false },
  upstream_timeout: { meaning: "the upstream took too long", httpStatus: 504, retryable: true },
  upstream_reset: { meaning: "the upstream cut the connection", httpStatus: 502, retryable: true },
  upstream_truncated: { meaning: "the stream ended before its last event", httpStatus: 502, retryable: true },
  upstream_protocol: { meaning: "the upstream broke HTTP or SSE", httpStatus: 502, retryable: false },
  upstream_error_event: { meaning: "the upstream reported an error in the stream", httpStatus: 502, retryable: false },
  event_too_large: { meaning: "one event is larger than allowed", httpStatus: 502, retryable: false },

  // the cluster
  cluster_unavailable: {
    meaning: "the cluster's Redis, or the node that serves this, is out of reach",
    httpStatus: 503,
    retryable: true,
    retryAfterMs: 2_000,
  },
  owner_lost: { meaning: "the node that ran the stream is gone", httpStatus: 502, retryable: true },

  // the stream and its reader
  resume_failed: { meaning: "the stream cannot be read on", httpStatus: 410, retryable: false },
  cancelled: { meaning: "the stream was cancelled", httpStatus: 499, retryable: false },
  client_gone: { meaning: "the client disconnected", httpStatus: 499, retryable: true },
  slow_consumer: { meaning: "the client did not read for too long", httpStatus: 408, retryable: true, closeCode: 4030 },
  superseded: {
    meaning: "another connection reads this stream now",
    httpStatus: 409,
    retryable: true,
    closeCode: 4090,
  },
  no_pong: { meaning: "the client stopped answering pings", httpStatus: 408, retryable: true, closeCode: 4001 },

  // the gateway
  shutting_down: {
    meaning: "the gateway is stopping",
    httpStatus: 503,
    retryable: true,
    closeCode: 1012,
    retryAfterMs: 1_000,
  },
  overloaded: { meaning: "the gateway is overloaded", httpStatus: 503, retryable: true, closeCode: 1013 },
  store_unavailable: { meaning: "the store cannot be used", httpStatus: 503, retryable: true },
  internal: { meaning: "a fault in the gateway", httpStatus: 500, retryable: true, closeCode: 1011 },
});

export type Code = keyof typeof CODES;
