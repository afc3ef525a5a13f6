/** The page of examples/ai-sdk-chat in headless Chromium, served from the gateway's own origin. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { startTestGateway } from "../gateways/gateway.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "../upstreams/scripted-upstream.ts";
import { CHROMIUM, NO_CHROMIUM } from "./chromium.ts";

const EXAMPLE = fileURLToPath(new URL("../../../examples/ai-sdk-chat/", import.meta.url));
const PACKAGES = process.env.SLUICE_TEST_CHAT_PACKAGES ?? `${EXAMPLE}node_modules`;

/** Why the page cannot run here; empty if it can. */
export const noChatPage = [
  ...NO_CHROMIUM,
  ...(existsSync(`${PACKAGES}/@ai-sdk/react`) ? [] : ["no packages of the example (npm ci in examples/ai-sdk-chat)"]),
].join(" and ");

/** The page's models, each on a route of another dialect. */
const MODELS = { demo: "anthropic", "demo-chat": "chat", "demo-responses": "responses" };

/** Chromium takes a page that the test hands it for a public one, which may not connect to this machine. */
const PAGE_IS_LOCAL = "--disable-features=LocalNetworkAccessChecks";

/** Chromium and the page's script, for any number of gateways. */
export async function startChatPages() {
  const { outputFiles } = await build({
    entryPoints: [`${EXAMPLE}page.jsx`],
    nodePaths: [PACKAGES],
    bundle: true,
    write: false,
    format: "esm",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const script = outputFiles[0]?.text ?? "";
  const html = await readFile(`${EXAMPLE}index.html`, "utf8");
  const browser = await chromium.launch({ ...CHROMIUM, args: [...CHROMIUM.args, PAGE_IS_LOCAL] });
  return {
    /** A page that asks this model, over a scripted upstream. */
    open: (model: keyof typeof MODELS) => openPage(browser, { html, script }, model),
    close: () => browser.close(),
  };
}

/** A loaded page over its own gateway and upstream. */
export interface ChatPage extends AsyncDisposable {
  readonly upstream: ScriptedUpstream;
  readonly page: Page;
  readonly answers: Locator;
  send(text: string): Promise<void>;
  /** Waits until the page shows this status of `useChat`. */
  status(status: string): Promise<void>;
}

async function openPage(
  browser: Browser,
  { html, script }: { readonly html: string; readonly script: string },
  model: keyof typeof MODELS,
): Promise<ChatPage> {
  await using started = new AsyncDisposableStack();
  const upstream = started.use(await startScriptedUpstream());
  const models = Object.fromEntries(Object.entries(MODELS).map(([name, route]) => [name, { route, model: "m" }]));
  const gateway = started.use(await startTestGateway({ upstream: upstream.url, config: { models } }));
  const page = await browser.newPage();
  started.defer(() => page.close());
  await page.route(
    ({ pathname }) => pathname === "/example/",
    (route) => route.fulfill({ contentType: "text/html", body: html }),
  );
  await page.route(
    ({ pathname }) => pathname === "/page.jsx",
    (route) => route.fulfill({ contentType: "text/javascript", body: script }),
  );
  await page.goto(`${gateway.url}/example/`);
  await page.getByLabel("Model").selectOption(model);
  const parts = started.move();
  return {
    upstream,
    page,
    answers: page.locator("article.assistant"),
    async send(text) {
      await page.getByLabel("Message").fill(text);
      await page.getByRole("button", { name: "Send" }).click();
    },
    status: (status) => page.locator(`main[data-status="${status}"]`).waitFor(),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
