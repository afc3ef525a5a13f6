import { request } from "node:http";
import { expect, test } from "@jest/globals";
import { answerJson } from "../../support/upstreams/provider.ts";
import { PATHS, passing, setUp } from "./set-up.ts";

/** Begins an upload and destroys its connection at this moment. */
function killedUpload(url: string, moment: number): Promise<void> {
  return new Promise((closed) => {
    const client = request(`${url}/v1/files`, {
      method: "POST",
      headers: { "content-type": "multipart/form-data; boundary=x", "content-length": 400_000 },
    });
    client.on("error", () => {});
    client.on("response", (response) => response.on("error", () => {}).resume());
    client.on("close", () => closed());
    if (moment === 0) setImmediate(() => client.destroy());
    else client.write(Buffer.alloc(moment * 100_000, "x"), () => setImmediate(() => client.destroy()));
  });
}

test("two hundred clients that leave at any moment leave nothing behind", async () => {
  await using rig = await setUp(
    (_, response) => {
      response.writeHead(200, { "content-type": "text/plain" });
      response.write("half");
    },
    (upstream) => passing(upstream, PATHS, { metrics: { enabled: true } }),
  );
  for (let round = 0; round < 20; round++) {
    await Promise.all([
      ...[0, 1, 2, 3].map((moment) => killedUpload(rig.url, moment)),
      ...[0, 1, 2, 3, 4, 5].map(async (at) => {
        const leaving = new AbortController();
        const asking = fetch(`${rig.url}/v1/files/a/content`, { signal: leaving.signal });
        if (at < 3) setImmediate(() => leaving.abort());
        else void asking.then(() => leaving.abort()).catch(() => {});
        await asking.then((answer) => answer.text()).catch(() => {});
      }),
    ]);
  }
  const figure = (text: string, name: RegExp) => [...text.matchAll(name)].map(([, value]) => Number(value));
  for (;;) {
    const text = await (await fetch(`${rig.url}/metrics`)).text();
    const left = [
      ...figure(text, /^sluice_connections\{face="pass-through"\} (\d+)$/gm),
      ...figure(text, /^sluice_inbound_bytes(?:\{[^}]*\})? (\d+)$/gm),
      ...figure(text, /^sluice_streams(?:\{[^}]*\})? (\d+)$/gm),
    ];
    if (left.length > 1 && left.every((count) => count === 0)) break;
    await new Promise((turn) => setImmediate(turn));
  }
  // An idle one may be kept for the next request.
  expect(rig.provider.connections).toBeLessThanOrEqual(1);
  expect(rig.gateway.log.lines.filter(({ event }) => event === "fault")).toEqual([]);
});

test("a gateway that stops cuts a response off, and its client sees that", async () => {
  await using rig = await setUp((_, response) => {
    response.writeHead(200, { "content-type": "text/plain" });
    response.write("half");
  });
  const answer = await fetch(`${rig.url}/v1/files/a/content`);
  const text = answer.text();
  await Promise.all([expect(text).rejects.toThrow(), rig.gateway.close()]);
  expect(rig.lines()).toEqual([expect.objectContaining({ status: "failed", code: "shutting_down" })]);
});

test("a request that the drain waits for is answered whole", async () => {
  const held = Promise.withResolvers<() => void>();
  await using rig = await setUp(
    (_, response) => held.resolve(() => answerJson(response, { ok: true })),
    (upstream) => passing(upstream, PATHS, { limits: { drainMs: 300_000 } }),
  );
  const asking = fetch(`${rig.url}/v1/files`);
  const answerNow = await held.promise;
  const closing = rig.gateway.close();
  answerNow();
  expect(await (await asking).json()).toEqual({ ok: true });
  await closing;
});
