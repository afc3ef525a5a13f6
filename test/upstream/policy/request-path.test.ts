import { describe, expect, test } from "@jest/globals";
import { requestPath } from "../../../src/upstream/policy/request-path.ts";

const MESSAGES = "/v1/messages";
const CHAT = "/chat/completions";
const RESPONSES = "/responses";

describe("what a base URL has already is not written again", () => {
  test.each([
    // As documented.
    ["https://api.openai.com/v1", CHAT, "/v1/chat/completions"],
    ["https://api.anthropic.com", MESSAGES, "/v1/messages"],
    ["https://gateway.example/openai/eu", CHAT, "/openai/eu/chat/completions"],
    // A slash too many.
    ["https://api.openai.com/v1/", CHAT, "/v1/chat/completions"],
    ["https://api.openai.com//v1//", CHAT, "/v1/chat/completions"],
    ["https://api.anthropic.com/", MESSAGES, "/v1/messages"],
    // A version too many.
    ["https://api.anthropic.com/v1", MESSAGES, "/v1/messages"],
    ["https://api.anthropic.com/v1/", MESSAGES, "/v1/messages"],
    ["https://gateway.example/anthropic/v1", MESSAGES, "/anthropic/v1/messages"],
    ["https://api.openai.com/v1/v1", CHAT, "/v1/chat/completions"],
    ["https://api.anthropic.com/v1/v1", MESSAGES, "/v1/messages"],
    // The endpoint itself.
    ["https://api.openai.com/v1/chat/completions", CHAT, "/v1/chat/completions"],
    ["https://api.openai.com/v1/chat/completions/", CHAT, "/v1/chat/completions"],
    ["https://api.openai.com/v1/responses", RESPONSES, "/v1/responses"],
    ["https://api.anthropic.com/v1/messages", MESSAGES, "/v1/messages"],
    ["https://api.anthropic.com/v1/messages", "/v1/messages/count_tokens", "/v1/messages/count_tokens"],
    ["https://api.openai.com/v1/responses", "/responses/compact", "/v1/responses/compact"],
    // What only looks alike stays.
    ["https://gateway.example/v2", MESSAGES, "/v2/v1/messages"],
    ["https://gateway.example/chat", CHAT, "/chat/chat/completions"],
    ["https://gateway.example/v1/openai", MESSAGES, "/v1/openai/v1/messages"],
    ["https://gateway.example/my%20models/v1", CHAT, "/my%20models/v1/chat/completions"],
  ])("%s with %s is %s", (baseUrl, below, path) => {
    expect(requestPath(new URL(baseUrl))(below)).toBe(path);
  });

  test.each(["https://h/events", "https://h/events/", "https://h//a//b", "https://h/v1/v1", "https://h/"])(
    "%s with nothing below it is called as it is",
    (baseUrl) => {
      expect(requestPath(new URL(baseUrl))("")).toBe(new URL(baseUrl).pathname);
    },
  );
});

describe("a route's query", () => {
  const azure = new URL("https://x.openai.azure.com/openai/deployments/gpt-4o");

  test("stands behind every path", () => {
    const path = requestPath(azure, { "api-version": "2024-10-21" });
    expect(path(CHAT)).toBe("/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21");
    expect(path("")).toBe("/openai/deployments/gpt-4o?api-version=2024-10-21");
    expect(path("/chat?beta=true")).toBe("/openai/deployments/gpt-4o/chat?beta=true&api-version=2024-10-21");
  });

  test("is written as a URL is: nothing in a value begins another parameter, path or header", () => {
    const path = requestPath(azure, { "a b": "1&c=2 #\r\nhost: x", ü: "ß" });
    expect(path(CHAT)).toBe(
      "/openai/deployments/gpt-4o/chat/completions?a+b=1%26c%3D2+%23%0D%0Ahost%3A+x&%C3%BC=%C3%9F",
    );
  });
});
