/** The build in a page. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Browser, chromium, type Page } from "playwright-core";
import { buildClient } from "../../scripts/build-client.ts";
import type * as Client from "../../src/client/index.ts";
import { CHROMIUM, NO_CHROMIUM } from "../support/browser/chromium.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { startCuttingProxy } from "../support/network/cutting-proxy.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";
import { startFloodUpstream } from "../support/upstreams/flood-upstream.ts";

const newDirectory = temporaryDirectories();
/** Chromium takes a page that the test hands it for a public one, which may not connect to this machine. */
const PAGE_IS_LOCAL = "--disable-features=LocalNetworkAccessChecks";
const TOKEN = "the-token-of-this-test";
const EVENTS = 3_000;

let browser: Browser | undefined;
let script = "";

/** A page of the gateway's origin that has the client as `window.sluice`. */
async function openPage(url: string): Promise<Page> {
  const page = await browser?.newPage();
  if (!page) throw new Error("there is no browser");
  const answer = (path: string, contentType: string, body: string) =>
    page.route(
      ({ pathname }) => pathname === path,
      (route) => route.fulfill({ contentType, body }),
    );
  const load = `import * as client from "./client.js"; window.client = client; window.sluice = client.connect({ url: "/", token: "${TOKEN}" });`;
  await answer("/test/", "text/html", `<!doctype html><script type="module">${load}</script>`);
  await answer("/test/client.js", "text/javascript", script);
  await page.goto(`${url}/test/`);
  await page.waitForFunction("window.sluice");
  return page;
}

interface PageWindow {
  readonly sluice: Client.Sluice;
  readonly client: typeof Client;
  readonly addEventListener: (type: "pagehide", listener: () => void) => void;
}

const suite = NO_CHROMIUM.length === 0 ? describe : describe.skip;

suite(`the client in Chromium${NO_CHROMIUM.length === 0 ? "" : ` (skipped, there is ${NO_CHROMIUM})`}`, () => {
  beforeAll(async () => {
    const directory = newDirectory();
    await buildClient(directory);
    script = readFileSync(join(directory, "index.js"), "utf8");
    browser = await chromium.launch({ ...CHROMIUM, args: [...CHROMIUM.args, PAGE_IS_LOCAL] });
  });
  afterAll(() => browser?.close());

  async function setUp() {
    const stack = new AsyncDisposableStack();
    const upstream = stack.use(await startFloodUpstream());
    const config = { auth: { token: TOKEN }, limits: { streams: { windowEvents: 64 } } };
    const gateway = stack.use(await startTestGateway({ upstream: upstream.url, config }));
    const proxy = stack.use(await startCuttingProxy(gateway.url));
    const page = stack.adopt(await openPage(proxy.url), (opened) => opened.close());
    return { upstream, gateway, proxy, page, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  test("three streams on one socket that dies again and again come whole, in order, and cost one call each", async () => {
    await using stage = await setUp();
    await stage.page.exposeFunction("cut", () => stage.proxy.cut());
    const seen = await stage.page.evaluate(async (events) => {
      const { sluice, cut } = globalThis as unknown as PageWindow & { cut(): Promise<void> };
      let handled = 0;
      const read = async (key: string) => {
        const stream = sluice.open({ model: "gpt", body: { key, events, plain: true, messages: [] } });
        let last = 0;
        for await (const { seq } of stream) {
          if (seq !== last + 1) throw new Error(`${seq} follows ${last}`);
          last = seq;
          if (++handled % 1_000 === 0) await cut();
        }
        const { status, lastSeq } = await stream.end;
        return { last, status, lastSeq };
      };
      return Promise.all(["a", "b", "c"].map(read));
    }, EVENTS);
    const whole = { last: EVENTS + 2, status: "completed", lastSeq: EVENTS + 2 };
    expect(seen).toEqual([whole, whole, whole]);
    expect(["a", "b", "c"].map((key) => stage.upstream.record(key)?.calls)).toEqual([1, 1, 1]);
  });

  test("a page that is reloaded in the middle reads on where it was", async () => {
    await using stage = await setUp();
    const before = await stage.page.evaluate(async (events) => {
      const { sluice, addEventListener } = globalThis as unknown as PageWindow;
      const body = { key: "a", events, plain: true, messages: [] };
      const loop = sluice.open({ model: "gpt", body })[Symbol.asyncIterator]();
      const seqs: number[] = [];
      while (seqs.length < 100) seqs.push((await loop.next()).value?.seq ?? 0);
      addEventListener("pagehide", () => sessionStorage.setItem("streams", JSON.stringify(sluice.save())));
      return seqs;
    }, EVENTS);
    await stage.page.reload();
    await stage.page.waitForFunction("window.sluice");
    const after = await stage.page.evaluate(async () => {
      const { sluice } = globalThis as unknown as PageWindow;
      const [saved]: Client.SavedStream[] = JSON.parse(sessionStorage.getItem("streams") ?? "[]");
      const seqs: number[] = [];
      if (saved) for await (const { seq } of sluice.restore(saved)) seqs.push(seq);
      return seqs;
    });
    // The hundredth was in the old page's hand: it had not asked for the next.
    expect([...before.slice(0, 99), ...after]).toEqual(Array.from({ length: EVENTS + 2 }, (_, at) => at + 1));
    expect(stage.upstream.record("a")?.calls).toBe(1);
  });

  test("a wrong token is told at once, by its code", async () => {
    await using stage = await setUp();
    const code = await stage.page.evaluate(async () => {
      const { client } = globalThis as unknown as PageWindow;
      const stream = client.connect({ url: "/", token: "wrong" }).open({ model: "gpt", body: {} });
      return stream.text().catch((error: Client.SluiceError) => error.code);
    });
    expect(code).toBe("unauthorized");
  });
});
