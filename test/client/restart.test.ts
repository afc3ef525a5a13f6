/** What a gateway's restart leaves of streams: the logs are in its memory. */

import { expect, test } from "@jest/globals";
import { connect } from "../../src/client/index.ts";
import { configFor, startSluice } from "../support/gateways/sluice-process.ts";
import { freePort } from "../support/network/free-port.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";
import { CHAT, chunk } from "./set-up.ts";

/** Starts gateways at one address, one after the other. */
async function atOneAddress(config: unknown) {
  const env = { SLUICE_PORT: String(await freePort()) };
  return () => startSluice(config, { env });
}

test("a gateway killed and started again: the loop gets what came, then resume_failed, and a new question is answered", async () => {
  await using upstream = await startScriptedUpstream();
  const start = await atOneAddress(configFor(upstream.url));
  const first = await start();
  const sluice = connect({ url: first.url });
  const stream = sluice.open(CHAT);
  const unread = sluice.open(CHAT);
  for (const call of [await upstream.request(), await upstream.request()])
    call.sse().chunk(["a", "b"].map((text) => `data: ${JSON.stringify(chunk(text))}\n\n`).join(""));
  const loop = stream[Symbol.asyncIterator]();
  expect((await loop.next()).value).toMatchObject({ seq: 1, text: "a" });
  first.kill("SIGKILL");
  await first.exit;
  await using _second = await start();
  // What had arrived is delivered; it is never half an event, and never one twice.
  expect((await loop.next()).value).toMatchObject({ seq: 2, text: "b" });
  await expect(loop.next()).rejects.toMatchObject({ code: "resume_failed", details: { reason: "unknown" } });
  await expect(unread.text()).rejects.toMatchObject({ code: "resume_failed", retryable: false });
  const again = sluice.open(CHAT);
  (await upstream.request()).sse().event(chunk("c")).finishChat();
  expect(await again.text()).toBe("c");
  sluice.close();
  await first[Symbol.asyncDispose]();
});

test("a gateway that is told to stop ends the running streams first, and newer ones are answered by the next", async () => {
  await using upstream = await startScriptedUpstream();
  const start = await atOneAddress(configFor(upstream.url, { limits: { drainMs: 300_000 } }));
  await using first = await start();
  // The gateway asks for up to 5 s of patience; time is not what this is about.
  const soon = {
    now: () => performance.now(),
    random: () => 0,
    after: (ms: number, run: () => void) => {
      const timer = setTimeout(run, ms > 1_000 ? ms / 10 : ms);
      return () => clearTimeout(timer);
    },
  };
  const sluice = connect({ url: first.url, clock: soon });
  const running = sluice.open(CHAT);
  const call = (await upstream.request()).sse().event(chunk("a"));
  const loop = running[Symbol.asyncIterator]();
  await loop.next();
  const left = new Promise<void>((resolve) => sluice.subscribe((state) => state === "waiting" && resolve()));
  first.kill("SIGTERM");
  await left;
  const newer = sluice.open(CHAT);
  call.event(chunk("b")).finishChat();
  expect((await loop.next()).value).toMatchObject({ seq: 2, text: "b" });
  await loop.next();
  await loop.next();
  expect((await loop.next()).done).toBe(true);
  expect(await running.end).toMatchObject({ status: "completed" });
  expect(await first.exit).toBe(0);
  await using _second = await start();
  (await upstream.request()).sse().event(chunk("c")).finishChat();
  expect(await newer.text()).toBe("c");
  expect(upstream.requests).toBe(2);
  sluice.close();
});
