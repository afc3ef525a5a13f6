/** The examples as programs. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { configFor, startSluice } from "../support/gateways/sluice-process.ts";
import { startCuttingProxy } from "../support/network/cutting-proxy.ts";
import { freePort } from "../support/network/free-port.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";
import { chunk } from "./set-up.ts";

/** What an example prints. */
async function run(name: string, url: string, args: readonly string[] = []): Promise<string> {
  const file = fileURLToPath(new URL(`../../examples/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, ["--no-warnings", file, ...args], { env: { SLUICE_URL: url } });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(stderr).toBe("");
  return stdout;
}

test("an agent's answers survive the death of its link, and its gateway's: none is lost, doubled or half", async () => {
  await using upstream = await startScriptedUpstream();
  const config = configFor(upstream.url);
  const env = { SLUICE_PORT: String(await freePort()) };
  await using first = await startSluice(config, { env });
  await using proxy = await startCuttingProxy(first.url);
  const printed = run("agent", proxy.url, ["gpt", "one?", "two?"]);
  // An agent that gives up asks nothing more: what it said then is the failure.
  const gaveUp = printed.then((said) => Promise.reject(new Error(`it asked no more, and printed ${said}`)));
  const asked = () => Promise.race([upstream.request(), gaveUp]);

  const one = (await asked()).sse().event(chunk("One, "));
  proxy.cut();
  one.event(chunk("complete.")).finishChat();

  (await asked()).sse().event(chunk("Tw"));
  first.kill("SIGKILL");
  await first.exit;
  await using _second = await startSluice(config, { env });
  const again = (await asked()).sse().event(chunk("Two, complete.")).finishChat();
  expect(JSON.parse(again.body).messages).toEqual([
    { role: "user", content: "one?" },
    { role: "assistant", content: "One, complete." },
    { role: "user", content: "two?" },
  ]);
  expect(await printed).toBe("One, complete.\nTwo, complete.\n");
});

describe("over the demo upstream", () => {
  const demo = () => startTestGateway({ config: { demo: true, routes: {}, models: {} } });

  test("first-token prints the time and the figures", async () => {
    await using gateway = await demo();
    const printed = await run("first-token", gateway.url, ["demo-chat", "[[20x1]]"]);
    expect(printed).toMatch(/^first token after \d+\.\d ms\n\n[\s\S]+\n\n20 tokens in \d+ ms\n$/);
  });

  test("resume loses nothing though it cuts its socket", async () => {
    await using gateway = await demo();
    expect(await run("resume", gateway.url, ["demo", "[[250x1]]"])).toMatch(/\n256 of 256 events despite 2 cuts\n$/);
  });

  test("sdk-shapes reads what the vendors' SDKs would", async () => {
    await using gateway = await demo();
    expect((await run("sdk-shapes", gateway.url)).trim().split("\n").length).toBeGreaterThan(1);
  });
});
