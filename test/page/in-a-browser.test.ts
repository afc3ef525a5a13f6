/** The start page in Chromium, below a prefix, with a token, over the demo's models. */
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type Browser, chromium, type Page } from "playwright-core";
import { KeyDatabase } from "../../src/storage/keys/key-database.ts";
import { CHROMIUM, NO_CHROMIUM } from "../support/browser/chromium.ts";
import { WAIT_MS } from "../support/browser/page-calls.ts";
import { startTestGateway, type TestGateway } from "../support/gateways/gateway.ts";
import { freshSecret, keyFor } from "../support/gateways/gateway-key.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";
import { CONTRASTS, FOCUSED, NAMELESS } from "./page-checks.ts";

const PREFIX = "/claw/one";
const directory = temporaryDirectories();
const ANN = freshSecret();
const TOKEN = "a-token-of-this-test";
/** Screenshots; not in git. */
const SHOTS = fileURLToPath(new URL("../../artifacts/start-page/", import.meta.url));
const LOOKS = (["light", "dark"] as const).flatMap((scheme) => [390, 1280].map((width) => ({ scheme, width })));

if (NO_CHROMIUM.length > 0) test.skip(`the start page in a browser: skipped, there is ${NO_CHROMIUM}`, () => {});
else {
  jest.setTimeout(4 * WAIT_MS);
  let gateway: TestGateway;
  let browser: Browser;
  beforeAll(async () => {
    const listen = { port: 0, basePath: PREFIX };
    const path = directory();
    const store = new KeyDatabase(path);
    store.add(keyFor("ann", ANN, { scopes: ["streams"] }));
    store.close();
    gateway = await startTestGateway({
      config: { listen, data: { directory: path }, demo: true, routes: {}, models: {}, auth: { token: TOKEN } },
    });
    browser = await chromium.launch(CHROMIUM);
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.close();
  });

  /** What the browser complained about. */
  const complaints: string[] = [];
  afterEach(() => expect(complaints.splice(0)).toEqual([]));

  /** The page, signed in. */
  async function open(options: Parameters<Browser["newPage"]>[0] = {}, token = TOKEN) {
    const page = await browser.newPage(options);
    page.setDefaultTimeout(WAIT_MS);
    const sent: string[] = [];
    page.on("pageerror", ({ message }) => complaints.push(message));
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("response", (response) => response.status() >= 400 && complaints.push(response.url()));
    page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => sent.push(String(payload))));
    // Without the slash, as people type it.
    await page.goto(gateway.url + PREFIX);
    await page.getByLabel("Enter the gateway").fill(token);
    await page.keyboard.press("Enter");
    await page.getByText("Running").waitFor();
    return {
      page,
      sent,
      [Symbol.asyncDispose]: () => page.close(),
    };
  }

  const lane = (page: Page, index: number) => page.locator(".lane").nth(index);
  const handled = async (page: Page, index: number) =>
    Number.parseInt((await lane(page, index).locator(".lane-state").textContent()) ?? "", 10);

  describe("below a prefix that is typed without its slash", () => {
    test("a prompt is answered, with the frames that carried it", async () => {
      await using opened = await open();
      const { page } = opened;
      await page.getByLabel("Prompt").fill("[[20x1]]");
      await page.keyboard.press("Enter");
      await page.locator("#run-status", { hasText: "Finished" }).waitFor();
      await page.getByText("The frames that carry it").click();
      await page.locator("#frames li", { hasText: '"type":"end"' }).waitFor();
      expect(await page.locator("#frames li").first().textContent()).toContain('"type":"hello"');
    });

    test("each client gets this page's address, and the address bar never gets the token", async () => {
      await using opened = await open();
      const { page } = opened;
      for (const option of await page.getByLabel("Your client").locator("option").allTextContents()) {
        await page.getByLabel("Your client").selectOption(option);
        const shown = await page.locator("#client-text").textContent();
        expect([option, shown?.includes(gateway.url + PREFIX)]).toEqual([option, true]);
      }
      expect(page.url()).not.toContain(TOKEN);
    });
  });

  test("a key sees its own usage and what it may do, the token everybody's, and only the token the gauges", async () => {
    const prompt = async (page: Page) => {
      await page.getByLabel("Prompt").fill("[[3x1]]");
      await page.keyboard.press("Enter");
      await page.locator("#run-status", { hasText: "Finished" }).waitFor();
      await page.getByLabel("Usage by").selectOption("caller");
    };
    await using theirs = await open({}, ANN);
    await prompt(theirs.page);
    await theirs.page.getByText("You are ann; this may: streams.").waitFor();
    await theirs.page.locator("#usage tr", { hasText: "ann" }).waitFor();
    expect(await theirs.page.locator("#usage tr").count()).toBe(1);
    expect(await theirs.page.locator("#now").isVisible()).toBe(false);
    await using all = await open();
    await prompt(all.page);
    await all.page.locator("#usage tr", { hasText: "ann" }).waitFor();
    await all.page.locator("#usage tr").nth(1).waitFor();
    expect(await all.page.locator("#now-memory").textContent()).toMatch(/^[1-9]\d+ MiB$/);
  });

  test("one of three answers stalls at its window while the others run on; after a cut each event came once", async () => {
    await using opened = await open();
    const { page, sent } = opened;
    await page.getByRole("button", { name: "Run three" }).click();
    await lane(page, 1)
      .locator(".lane-state", { hasText: /^[1-9]\d* events$/ })
      .waitFor();
    await lane(page, 1)
      .getByRole("button", { name: /^Stall/ })
      .click();
    await lane(page, 1).locator(".lane-state", { hasText: "no more come" }).waitFor();
    const stalled = await handled(page, 1);
    const before = await handled(page, 0);
    await lane(page, 0)
      .locator(".lane-state", { hasNotText: `${before} events` })
      .waitFor();
    expect(await handled(page, 1)).toBe(stalled);
    await page.getByRole("button", { name: "Cut the connection" }).click();
    await lane(page, 0).locator(".lane-state", { hasText: "resumed after" }).waitFor();
    await lane(page, 1)
      .getByRole("button", { name: /^Stall/ })
      .click();
    await page.getByText("All three have ended.").waitFor();
    for (const state of await page.locator(".lane-state").allTextContents()) {
      const [, count, last] = /^(\d+) of (\d+) events, resumed after [1-9]/.exec(state) ?? [];
      expect(Number(count)).toBeGreaterThan(2_400);
      expect(count).toBe(last);
    }
    const idsOf = (wanted: string) =>
      sent.flatMap((text) => {
        const { type, id } = JSON.parse(text);
        return type === wanted ? [id] : [];
      });
    expect(new Set(idsOf("open")).size).toBe(3);
    expect(idsOf("resume")).toEqual(idsOf("open"));
  });

  test.each(LOOKS)("at $width px, $scheme: fits, is named, contrasts, and can be used by keyboard", async (look) => {
    await using opened = await open({ viewport: { width: look.width, height: 900 }, colorScheme: look.scheme });
    const { page } = opened;
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
    expect(await page.evaluate(NAMELESS)).toEqual([]);
    const contrasts = (await page.evaluate(CONTRASTS)) as { ratio: number; text: string }[];
    expect(contrasts.length).toBeGreaterThan(20);
    expect(contrasts.filter(({ ratio }) => ratio < 4.5)).toEqual([]);
    const stops: { name: string; top: number; outlinePx: number }[] = [];
    await page.locator("#model").focus();
    while (stops.length < 60) {
      const stop = (await page.evaluate(FOCUSED)) as (typeof stops)[number] | null;
      if (!stop) break;
      stops.push(stop);
      await page.keyboard.press("Tab");
    }
    expect(stops.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["Run three", "client", "Copy the client’s setup"]),
    );
    expect(stops.filter(({ outlinePx }) => outlinePx < 2)).toEqual([]);
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: `${SHOTS}/${look.width}-${look.scheme}.png`, fullPage: true });
  });
}
