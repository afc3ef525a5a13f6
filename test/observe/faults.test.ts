import { expect, test } from "@jest/globals";
import { GatewayError } from "../../src/core/kernel/errors.ts";
import { recordsOf } from "./log-lines.ts";

const faultLine = async (thrown: unknown) => (await recordsOf((log) => log.observer.fault(thrown, "face stream")))[0];

/** The error of parsing this text as JSON: its message quotes the text. */
function parseFault(text: string): Error {
  try {
    JSON.parse(text);
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("that was JSON");
}

test("an unknown error is logged by name and stack frames, without its message", async () => {
  const error = parseFault('my secret prompt\n    at secret (file:///secret.ts:1:2)\n"');
  expect(error.message).toContain("secret");
  const line = await faultLine(error);
  expect(line).toMatchObject({ level: "error", event: "fault", where: "face stream", code: "internal" });
  expect(line.name).toBe("SyntaxError");
  expect(line.frames.join()).toContain("faults.test.ts");
  expect(JSON.stringify(line)).not.toContain("secret");
});

test("an error whose message was changed after it was thrown loses its stack frames too", async () => {
  const error = new Error("a secret\n    at secret (/secret.ts:1:2)");
  expect(error.stack).toContain("/secret.ts");
  error.message = "another";
  expect((await faultLine(error)).frames).toEqual([]);
});

test("a GatewayError keeps its message; its cause shows only name and stack frames", async () => {
  const cause = Object.assign(new TypeError("secret"), { code: "ERR_INVALID_STATE" });
  const line = await faultLine(new GatewayError("store_unavailable", "the store is read-only", { cause }));
  expect(line).toMatchObject({
    code: "store_unavailable",
    message: "the store is read-only",
    name: "TypeError",
    systemCode: "ERR_INVALID_STATE",
  });
  expect(JSON.stringify(line)).not.toContain("secret");
});

test.each([["a secret"], [{ secret: 1 }], [undefined], [Object.assign(new Error(""), { code: "a secret", stack: 5 })]])(
  "a fault that is no proper error is still a line, without what was thrown",
  async (thrown) => {
    const line = await faultLine(thrown);
    expect(line).toMatchObject({ event: "fault", frames: [] });
    expect(JSON.stringify(line)).not.toContain("secret");
  },
);
