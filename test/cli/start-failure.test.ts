import { describe, expect, test } from "@jest/globals";
import { describeFault, describeStartFailure } from "../../src/cli/start-failure.ts";
import { GatewayError } from "../../src/core/kernel/errors.ts";

const listen = { host: "192.0.2.1", port: 80 };
const systemError = (code: string) => Object.assign(new Error("listen"), { code, syscall: "listen" });

describe("a start that fails is explained", () => {
  test.each([
    ["EADDRINUSE", "port 80 is in use: set SLUICE_PORT"],
    ["EACCES", "this user may not use port 80"],
    ["EADDRNOTAVAIL", "192.0.2.1 is not an address of this machine"],
    ["ENOTFOUND", "192.0.2.1 is an unknown host name"],
  ])("%s: %s", (code, text) => {
    expect(describeStartFailure(systemError(code), listen)).toContain(text);
  });

  test("a GatewayError by its message", () => {
    expect(describeStartFailure(new GatewayError("internal", "no luck"), listen)).toBe("no luck");
  });

  test("anything else by its name and stack frames, without its message", () => {
    const text = describeStartFailure(new TypeError("canary"), listen);
    expect(text).toMatch(/^a fault in the gateway: TypeError\n\s+at .*start-failure.test.ts/);
    expect(text).not.toContain("canary");
    expect(describeFault(Object.assign(new Error("canary"), { code: "ERR_X" }))).toMatch(/: Error ERR_X\n/);
    expect(describeFault("canary")).toBe("a fault without a trace");
  });
});
