import { describe, expect, test } from "@jest/globals";
import { eventError, isUsedUp, statusMeant } from "../../../src/core/dialect/error-meaning.ts";

describe("a provider's name for a failure", () => {
  test.each([
    ["overloaded_error", 503],
    ["engine_overloaded_error", 503],
    ["serviceUnavailableException", 503],
    ["rate_limit_error", 429],
    ["rate_limit_exceeded", 429],
    ["Throttling.AllocationQuota", 429],
    ["ThrottlingException", 429],
    ["RESOURCE_EXHAUSTED", 429],
    ["tokens", 429],
    ["insufficient_quota", 402],
    ["exceeded_current_quota_error", 402],
    ["billing_error", 402],
    ["billing_hard_limit_reached", 402],
    ["Arrearage", 402],
    ["load_balancer_error", undefined],
    ["authentication_error", 401],
    ["invalid_api_key", 401],
    ["permission_error", 403],
    ["model_not_found", 404],
    ["request_too_large", 413],
    ["timeout_error", 504],
    ["context_length_exceeded", 400],
    ["exceed_context_size_error", 400],
    ["invalid_request_error", 400],
    ["api_error", 500],
    ["InternalServerError", 500],
    ["429", 429],
    ["1008", undefined],
  ])("%s stands for the status %p", (type, status) => {
    expect(statusMeant({ type })).toBe(status);
  });

  test("counts by its code before its type", () => {
    expect(statusMeant({ type: "invalid_request_error", code: "rate_limit_exceeded" })).toBe(429);
  });
});

test.each([
  [{ type: "insufficient_quota" }, "", true],
  [{ code: "1008" }, "insufficient balance on this account", true],
  [{ type: "invalid_request_error" }, "Your credit balance is too low to access the API.", true],
  [{ code: "1113" }, "余额不足", true],
  [{ type: "rate_limit_error" }, "usage limit reached", false],
  [{}, "the request was refused", false],
])("an account's credit is used up: %j %p, %p", (names, message, expected) => {
  expect(isUsedUp(names, message)).toBe(expected);
});

describe("an error event", () => {
  test.each([
    [{ type: "overloaded_error" }, true],
    [{ type: "rate_limit_error" }, true],
    [{ type: "api_error" }, true],
    [{ type: "anything", status: 503 }, true],
    [{ type: "anything", status: 429 }, true],
    [{ type: "server_error", status: 400 }, false],
    [{ type: "invalid_request_error" }, false],
    [{ type: "authentication_error" }, false],
    [{ type: "requests", code: "insufficient_quota" }, false],
    [{ message: "it broke" }, false],
  ])("%j is retryable: %p", (said, retryable) => {
    expect(eventError(said)).toMatchObject({ code: "upstream_error_event", retryable });
  });

  test("keeps the provider's names, its place and its wait", () => {
    const said = { type: "rate_limit_error", code: "slow", param: "model", message: "slow down", retryAfterMs: 2_500 };
    const { message, retryAfterMs, ...details } = said;
    expect(eventError(said)).toMatchObject({ message, retryAfterMs, details });
  });
});
