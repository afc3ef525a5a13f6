import { expect, test } from "@jest/globals";
import { Breaker } from "../../../src/upstream/call/breaker.ts";

test("only failures in a row open the breaker", () => {
  const breaker = new Breaker({ failures: 2, openMs: 1_000 }, () => 0);
  breaker.failed();
  breaker.connected();
  breaker.failed();
  expect(breaker.openForMs).toBe(0);
  breaker.failed();
  expect(breaker.openForMs).toBe(1_000);
});

test("a connection closes the breaker, one more failure after its time opens it again", () => {
  let now = 0;
  const breaker = new Breaker({ failures: 2, openMs: 1_000 }, () => now);
  breaker.failed();
  breaker.failed();
  now = 1_000;
  expect(breaker.openForMs).toBe(0);
  breaker.failed();
  expect(breaker.openForMs).toBe(1_000);
  now = 2_000;
  breaker.connected();
  breaker.failed();
  expect(breaker.openForMs).toBe(0);
});
