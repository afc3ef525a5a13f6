import { describe, expect, test } from "@jest/globals";
import { StreamClient } from "../support/clients/stream-client.ts";
import { configFor, startSluice } from "../support/gateways/sluice-process.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

/** Faults that nobody catches, at a signal; their words quote what passes through. */
const FAULTS: Readonly<Record<string, string>> = {
  "an exception": "throw new RangeError(words)",
  "a rejected promise": "Promise.reject(new TypeError(words))",
  "something thrown that is no error": "throw words",
  "an error event without a listener": 'new (require("events"))().emit("error", new Error(words))',
};

const delta = (content: string) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });

describe("an uncaught fault", () => {
  test.each(Object.entries(FAULTS))(
    "%s: running streams may finish, newcomers are refused, the exit code is 1",
    async (_, fault) => {
      await using upstream = await startScriptedUpstream();
      await using gateway = await startSluice(configFor(upstream.url), {
        env: { WORDS: "canary\n    at canary (file:///canary.ts:1:1)" },
        preload: `const words = process.env.WORDS; import { createRequire } from "node:module"; const require = createRequire("file:///");
        process.on("SIGUSR2", () => setImmediate(() => { ${fault} }));`,
      });
      const client = await (await StreamClient.connect(gateway.url)).hello();
      client.send({ type: "open", id: "a", model: "gpt", body: {} });
      const exchange = (await upstream.request()).sse().event(delta("before"));
      await client.take(({ type }) => type === "event");
      gateway.kill("SIGUSR2");
      await client.take(({ type }) => type === "going_away");
      expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503);
      await expect(StreamClient.connect(gateway.url)).rejects.toThrow("503");
      exchange.event(delta("after")).finishChat();
      const { end } = await client.rest("a");
      expect(end.status).toBe("completed");
      expect((await client.closed).code).toBe(1012);
      expect(await gateway.exit).toBe(1);
      expect(gateway.stderr).toMatch(/^sluice: a fault /);
      expect(gateway.stdout + gateway.stderr).not.toContain("canary");
      expect(gateway.stdout).toContain('"event":"stopped"');
    },
  );
});
