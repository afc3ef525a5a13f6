import { expect, test } from "@jest/globals";
import { Health } from "../../../src/storage/postgres/health.ts";
import { TestTime } from "../../support/jest/test-time.ts";

const stateOf = ({ isUp, latencyMs, reason }: Health) => ({ isUp, latencyMs, reason });

test("a server works until a statement fails, and again once one is answered", async () => {
  const time = new TestTime();
  const health = new Health(time.now, () => {});
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
  const { promise: away, resolve: goesAway } = Promise.withResolvers<unknown>();
  const health = new Health(time.now, goesAway);
  const { promise, resolve } = Promise.withResolvers<void>();
  const asked = health.measure(() => promise);
  expect(health.isUp).toBe(true);
  expect(await away).toEqual({ kind: "away", reason: "it does not answer" });
  expect(stateOf(health)).toEqual({ isUp: false, latencyMs: undefined, reason: "it does not answer" });
  resolve();
  await asked;
  expect(health.isUp).toBe(true);
});

test("an outage is told once when it begins and once when it ends, whichever statement shows it first", async () => {
  const time = new TestTime();
  const told: unknown[] = [];
  const health = new Health(time.now, (outage) => told.push(outage));
  const fails = (error: Error) => health.measure(() => Promise.reject(error)).catch(() => {});
  await health.measure(async () => {});
  const [failed, failedLate] = [health.begins(), health.begins()];
  failed(new Error("Connection terminated unexpectedly"));
  time.pass(500);
  await fails(new Error("connect ECONNREFUSED"));
  await fails(new Error("connect ECONNREFUSED"));
  time.pass(1_000);
  await health.measure(async () => {});
  await health.measure(async () => {});
  // Of a statement that began before the outage was over.
  failedLate(new Error("connect ECONNREFUSED"));
  expect(told).toEqual([
    { kind: "away", reason: "it closed the connection" },
    { kind: "back", awayMs: 1_500 },
  ]);
});

test.each([
  ["a conflict", Object.assign(new Error("deadlock detected"), { severity: "ERROR", code: "40P01" })],
  ["a statement that took too long", Object.assign(new Error("timeout"), { severity: "ERROR", code: "57014" })],
  ["a row that is refused", Object.assign(new Error("violates a constraint"), { severity: "ERROR", code: "23514" })],
  ["a bug", new TypeError("undefined is not a function")],
  ["a bug that Node names", Object.assign(new TypeError("invalid"), { code: "ERR_INVALID_ARG_TYPE" })],
])("%s is no outage", (_what, error) => {
  const told: unknown[] = [];
  new Health(new TestTime().now, (outage) => told.push(outage)).begins()(error);
  expect(told).toEqual([]);
});
