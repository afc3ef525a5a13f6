import { describe, expect, test } from "@jest/globals";
import { meantPath, pathOf, sourceOf } from "../../../src/transport/http/target.ts";

test.each([
  ["/v1/models?x=1", "/v1/models"],
  ["/v1/models#x", "/v1/models"],
  ["http://127.0.0.1:18789/v1/models?x=/y", "/v1/models"],
  ["HTTPS://gateway.example/v1/models", "/v1/models"],
  ["http://[::1]:18789/v1/models", "/v1/models"],
  ["http://gateway.example", "/"],
  ["http://gateway.example?x=1", "/"],
  ["//v1/models", "//v1/models"],
  ["http://[", "http://["],
  ["*", "*"],
])("the path of the target %s is %s", (url, path) => {
  expect(pathOf({ url })).toBe(path);
});

test.each([
  ["/v1//chat/completions", "/v1/chat/completions"],
  ["//v1/chat/completions", "/v1/chat/completions"],
  ["/v1/chat/completions/", "/v1/chat/completions"],
  ["/v1/chat/completions//", "/v1/chat/completions"],
  ["/chat/completions", "/v1/chat/completions"],
  ["/v1/v1/messages", "/v1/messages"],
  ["/v1//v1/messages/", "/v1/messages"],
  ["/v1beta/models", "/v1/v1beta/models"],
])("%s means %s", (path, meant) => {
  expect(meantPath(path)).toBe(meant);
});

describe("the host a request is for", () => {
  test("is its Host field, unless its target is in absolute form", () => {
    const headers = { host: "localhost", origin: "https://a.example" };
    expect(sourceOf({ url: "/v1/models", headers })).toEqual(headers);
    expect(sourceOf({ url: "http://evil.example:80/v1/models", headers })).toEqual({
      host: "evil.example:80",
      origin: "https://a.example",
    });
  });
});
