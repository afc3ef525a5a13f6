import { expect, test } from "@jest/globals";
import { Health } from "../../../src/storage/postgres/health.ts";
import { TestTime } from "../../support/test-time.ts";

const stateOf = ({ isUp, latencyMs, reason }: Health) => ({ isUp, latencyMs, reason });

test("a server works until a statement fails, and again once one is answered", async () => {
  const time = new TestTime();
  const health = new Health(time.now);
  expect(stateOf(health)).toEqual({ isUp: true, latencyMs: undefined, reason: undefined });
  const answer = health.measure(async () => {
    time.pass(3);
    return 7;
  });
  expect(await answer).toBe(7);
  expect(stateOf(health)).toEqual({ isUp: true, latencyMs: 3, reason: undefined });
  const failing = health.measure(() => Promise.reject(new Error("connect ECONNREFUSED 127.0.0.1:1")));
  await expect(failing).rejects.toThrow("ECONNREFUSED");
  expect(stateOf(health)).toEqual({ isUp: false, latencyMs: 3, reason: "connect ECONNREFUSED 127.0.0.1:1" });
  await health.measure(async () => time.pass(5));
  expect(stateOf(health)).toEqual({ isUp: true, latencyMs: 5, reason: undefined });
});

test("a server that says nothing for two seconds does not work", async () => {
  const time = new TestTime();
  const health = new Health(time.now);
  const { promise, resolve } = Promise.withResolvers<void>();
  const asked = health.measure(() => promise);
  time.pass(2_000);
  expect(health.isUp).toBe(true);
  time.pass(1);
  expect(stateOf(health)).toEqual({ isUp: false, latencyMs: undefined, reason: "it does not answer" });
  resolve();
  await asked;
  expect(health.isUp).toBe(true);
});
