import { describe, expect, test } from "@jest/globals";
import { CODES, type Code } from "../../../protocol/codes.ts";
import { type ErrorOptions, GatewayError } from "../../../src/core/kernel/errors.ts";
import { failureWords } from "../../../src/faces/chat/failure-words.ts";

const words = (code: Code, message?: string, options?: ErrorOptions): string =>
  failureWords(new GatewayError(code, message, options), "mock");

/** What a chat user reads if a failure says no more than its code. */
const BARE: Readonly<Record<Code, string>> = {
  bad_frame: "The frame is not valid.",
  unknown_method: "No such method or frame type.",
  bad_request: "The parameters are not valid.",
  duplicate_id: "This stream id is in use on this connection.",
  unknown_model: "No such model.",
  unknown_route: "No such route.",
  unknown_session: "No such session.",
  session_busy: "An answer is running in this session.",
  unsupported: "This gateway or route cannot do that.",
  frame_too_large: "The frame is larger than allowed.",
  binary_frame: "Binary frames are not understood.",
  slow_sender: "The message came too slowly.",
  too_many_violations: "Too many invalid frames.",
  too_many_streams: "Too many streams are open. Try again in 1 s.",
  rate_limited: "Too many requests.",
  not_found: "No such page.",
  unauthorized: "Missing or wrong credentials.",
  forbidden: "The caller may not do that.",
  origin_not_allowed: "This web origin is not allowed.",
  host_not_allowed: "This Host header is not allowed.",
  handshake_timeout: "No valid handshake in time.",
  bad_protocol_version: "No common protocol version.",
  cap_exceeded: "The caller's cap is reached.",
  ledger_unavailable: "Usage cannot be recorded.",
  cluster_unavailable: "The cluster's Redis, or the node that serves this, is out of reach. Try again in 2 s.",
  owner_lost: "The part of the gateway that wrote the answer is gone, and the answer is not complete.",
  upstream_unreachable: "The provider cannot be reached (route mock).",
  upstream_not_allowed: "The gateway's configuration does not allow the provider's address (route mock).",
  upstream_rate_limited: "The provider accepts no more requests at the moment (route mock).",
  upstream_overloaded: "The provider is overloaded (route mock).",
  upstream_http_error: "The provider refused the request (route mock).",
  upstream_bad_response: "The provider sent something that is no answer of a model (route mock).",
  upstream_timeout: "The provider took too long (route mock).",
  upstream_reset: "The provider closed the connection before the answer was complete (route mock).",
  upstream_truncated: "The provider's answer ended before it was complete (route mock).",
  upstream_protocol: "The provider sent an answer that cannot be read (route mock).",
  upstream_error_event: "The provider reported an error (route mock).",
  event_too_large:
    "The provider sent a larger piece of an answer than is accepted, and the answer is not complete (route mock).",
  resume_failed: "The stream cannot be read on.",
  cancelled: "The stream was cancelled.",
  client_gone: "The answer was given up because its client left.",
  slow_consumer: "The answer was given up because its client did not read it.",
  superseded: "Another connection reads this stream now.",
  no_pong: "The client stopped answering pings.",
  shutting_down: "The gateway is stopping. Try again in 1 s.",
  overloaded: "The gateway is overloaded.",
  store_unavailable: "The store cannot be used.",
  internal: "A fault in the gateway ended the answer; its log says more.",
};

describe("a failure in a chat", () => {
  test.each(Object.keys(CODES) as Code[])("of code %s is told in a sentence", (code) => {
    expect(words(code)).toBe(BARE[code]);
  });

  test.each<[string, Code, string | undefined, ErrorOptions]>([
    [
      "The provider refuses the key of the route mock (from MOCK_KEY): Incorrect API key.",
      "upstream_http_error",
      "the provider refuses the key of the route mock (from MOCK_KEY): Incorrect API key.",
      { details: { status: 401, reason: "key_refused", route: "mock" } },
    ],
    [
      "The provider refused the request with status 400 (route mock): max_tokens is too large.",
      "upstream_http_error",
      "max_tokens is too large",
      { details: { status: 400 } },
    ],
    [
      "The provider's quota is used up (route mock): Insufficient balance.",
      "upstream_http_error",
      "Insufficient balance",
      { details: { status: 402 } },
    ],
    [
      "The provider failed with status 500 (route mock): mock error 500.",
      "upstream_http_error",
      "mock error 500",
      { details: { status: 500 } },
    ],
    [
      "The provider failed with status 502 (route mock).",
      "upstream_http_error",
      "the upstream answered 502",
      { details: { status: 502 } },
    ],
    [
      "The provider accepts no more requests at the moment (route mock): Rate limit reached. Try again in 12 s.",
      "upstream_rate_limited",
      "Rate limit reached.",
      { details: { status: 429 }, retryAfterMs: 11_200 },
    ],
    [
      "The provider's quota is used up (route mock): You exceeded your current quota.",
      "upstream_rate_limited",
      "You exceeded your current quota",
      { details: { status: 429 }, retryable: false },
    ],
    [
      "The provider cannot be reached, ECONNREFUSED (route mock).",
      "upstream_unreachable",
      undefined,
      { details: { reason: "ECONNREFUSED" } },
    ],
    [
      "The provider cannot be reached (route mock): recent connections to the upstream failed. Try again in 2 s.",
      "upstream_unreachable",
      "recent connections to the upstream failed",
      { details: { reason: "circuit_open" }, retryAfterMs: 2_000 },
    ],
    [
      "The provider sent nothing more for too long, and the answer is not complete (route mock).",
      "upstream_timeout",
      undefined,
      { details: { timer: "idle" } },
    ],
    [
      "The provider did not begin its answer in time (route mock).",
      "upstream_timeout",
      undefined,
      { details: { timer: "headers" } },
    ],
    [
      "The provider sent something that is no answer of a model (route mock): the upstream redirects, which is not followed.",
      "upstream_bad_response",
      "the upstream redirects, which is not followed",
      { details: { status: 302 } },
    ],
    [
      "Alice has used up its tokens per day (1000) until 2026-11-29T00:00:00.000Z.",
      "cap_exceeded",
      "alice has used up its tokens per day (1000) until 2026-11-29T00:00:00.000Z",
      {},
    ],
  ])("is told as: %s", (told, code, message, options) => {
    expect(words(code, message, options)).toBe(told);
  });
});
