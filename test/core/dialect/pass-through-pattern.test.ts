import { describe, expect, test } from "@jest/globals";
import {
  fits,
  overlaps,
  type PassThroughPattern,
  readPassThroughPattern,
} from "../../../src/core/dialect/pass-through-pattern.ts";

const pattern = (text: string): PassThroughPattern => {
  const read = readPassThroughPattern(text);
  if (!read) throw new Error(`${text} is no pattern`);
  return read;
};

describe("an entry of passThrough", () => {
  test.each([
    "/v1/files",
    "PUT /v1/files",
    "get /v1/files",
    "GET /v2/files",
    "GET /v1/",
    "GET /v1/*",
    "GET /*/files",
    "GET /v1/files/",
    "GET /v1//files",
    "GET /v1/files/..",
    "GET /v1/files/..;/content",
    "GET /v1/files/a*",
    "GET /v1/files/**",
    "GET /v1/files/%41",
    "GET /v1/files?a=1",
    "GET  /v1/files",
    "GET https://elsewhere.example/v1/files",
  ])("is not %s", (text) => {
    expect(readPassThroughPattern(text)).toBeUndefined();
  });

  test.each([
    ["GET /v1/files/*", "GET", "/v1/files/file-1", true],
    ["GET /v1/files/*", "GET", "/v1/files/file-1/content", false],
    ["GET /v1/files/*", "GET", "/v1/files", false],
    ["GET /v1/files/*", "GET", "/v1/files/", false],
    ["GET /v1/files/*", "POST", "/v1/files/file-1", false],
    ["GET /v1/files/*", "GET", "/v1/files/..", false],
    ["GET /v1/files/*", "GET", "/v1/files/a%2fb", false],
    ["GET /v1/files/*/content", "GET", "/v1/files/..;/content", false],
    ["GET /v1/files/*/content", "GET", "/v1/files/..;a=b/content", false],
    ["GET /v1/files/*/content", "GET", "/v1/files/.;/content", false],
    ["GET /v1/files/*", "GET", "/v1/files/a;b", true],
    ["GET /v1/files/*", "GET", "/v1/files/ft:gpt-4o@x", true],
    ["POST /v1/embeddings", "POST", "/v1/embeddings", true],
    ["POST /v1/embeddings", "POST", "/V1/embeddings", false],
  ])("%s fits %s %s: %s", (text, method, path, fitting) => {
    expect(fits(pattern(text), method, path)).toBe(fitting);
  });

  test.each([
    ["GET /v1/files/*", "GET /v1/files/a", true],
    ["GET /v1/files/*/content", "GET /v1/files/a/*", true],
    ["GET /v1/files/*", "DELETE /v1/files/*", false],
    ["GET /v1/files/*", "GET /v1/batches/*", false],
    ["GET /v1/files", "GET /v1/files/*", false],
  ])("%s and %s have a request in common: %s", (a, b, common) => {
    expect([overlaps(pattern(a), pattern(b)), overlaps(pattern(b), pattern(a))]).toEqual([common, common]);
  });
});
