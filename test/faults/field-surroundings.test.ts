/** Stops and proxies as operators met them with software like this, from the outer corpus; test/e2e has tests of our own. */
import { describe, expect, test } from "@jest/globals";
import { KeptConnection } from "../support/clients/kept-connection.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { configFor, startSluice } from "../support/gateways/sluice-process.ts";
import { NOT_HERE, readOuter } from "../support/recordings/outer-corpus.ts";
import { startScriptedUpstream } from "../support/upstreams/scripted-upstream.ts";

interface FieldFault {
  readonly id: string;
  readonly name: string;
}

const faults = Object.values(readOuter<Record<string, FieldFault>>("corpus/field-faults.json") ?? {});
const named = (wanted: string) => faults.filter(({ id }) => id === wanted);

const chat = { model: "gpt", messages: [{ role: "user", content: "Hi" }], stream: true };

if (faults.length === 0) test.skip(`stops and proxies from the field (${NOT_HERE})`, () => {});
else {
  describe.each(named("field-27a"))("$id: $name", () => {
    test("gets 503, a time to come back and the end of its connection, while the running stream completes", async () => {
      await using upstream = await startScriptedUpstream();
      await using sluice = await startSluice(configFor(upstream.url));
      await using client = await (await StreamClient.connect(sluice.url)).hello();
      client.send({ type: "open", id: "a", model: "gpt", body: {} });
      const running = (await upstream.request()).sse().event({ choices: [{ index: 0, delta: { content: "Hel" } }] });
      await client.take(({ type }) => type === "event");
      using kept = new KeptConnection(sluice.url);
      await kept.request("GET", "/readyz");
      sluice.kill("SIGTERM");
      await client.take(({ type }) => type === "going_away");
      using fresh = new KeptConnection(sluice.url);
      for (const connection of [kept, fresh]) {
        const { status, headers } = await connection.request("POST", "/v1/chat/completions", chat);
        expect(status).toBe(503);
        expect(headers).toMatchObject({ "retry-after": expect.stringMatching(/^\d+$/), connection: "close" });
      }
      expect((await fetch(`${sluice.url}/readyz`)).status).toBe(503);
      running
        .event({ choices: [{ index: 0, delta: { content: "lo" }, finish_reason: "stop" }] })
        .event("[DONE]")
        .end();
      expect((await client.rest("a")).end).toMatchObject({ status: "completed" });
      expect(await sluice.exit).toBe(0);
    });
  });

  describe.each(named("field-27b"))("$id: $name", () => {
    test("new connections get a response for at least a second, by default", async () => {
      await using sluice = await startSluice(configFor("http://127.0.0.1:9"));
      const startedAt = performance.now();
      sluice.kill("SIGTERM");
      for (let isOpen = true; isOpen; ) {
        using fresh = new KeptConnection(sluice.url);
        const response = await fresh.request("GET", "/readyz").catch(() => undefined);
        isOpen = response !== undefined;
      }
      expect(performance.now() - startedAt).toBeGreaterThan(1_000);
      expect(await sluice.exit).toBe(0);
    });
  });

  describe.each(named("field-33"))("$id: $name", () => {
    test("the start page names its scripts and styles below that path", async () => {
      await using gateway = await startTestGateway();
      const page = await (await fetch(`${gateway.url}/`)).text();
      const seen = `${gateway.url}/claw/one/`;
      const files = [...page.matchAll(/(?:href|src)="([\w/.-]+\.(?:css|js))"/g)].map(
        ([, link = ""]) => new URL(link, seen).href,
      );
      expect(files.length).toBeGreaterThan(0);
      for (const file of files) {
        expect(file.startsWith(seen)).toBe(true);
        // As the proxy asks for it.
        expect((await fetch(file.replace("/claw/one/", "/"))).status).toBe(200);
      }
    });
  });
}
