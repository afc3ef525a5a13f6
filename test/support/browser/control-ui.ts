/** The real Control UI in headless Chromium, against a real gateway over a scripted upstream. */
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type Browser, type BrowserContext, chromium } from "playwright-core";
import { startTestGateway, type TestGateway } from "../gateways/gateway.ts";
import { hasFailed } from "../jest/test-failure.ts";
import { type ScriptedUpstream, startScriptedUpstream } from "../upstreams/scripted-upstream.ts";
import { CHROMIUM, NO_CHROMIUM } from "./chromium.ts";
import { WAIT_MS } from "./page-calls.ts";
import { UiTab } from "./ui-tab.ts";

const path = (name: string) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));

export const CONTROL_UI = process.env.SLUICE_TEST_CONTROL_UI ?? path(".sluice/control-ui");
/** Screenshots; not in git. */
const SCREENSHOTS = path("artifacts/control-ui");

/** What a test may take: far more than one wait, so that a test which fails says what it waited for. */
const TEST_MS = 3 * WAIT_MS;

/** Why these tests cannot run here. */
const missing = [
  ...NO_CHROMIUM,
  ...(existsSync(`${CONTROL_UI}/index.html`) ? [] : ["no Control UI (npm run control-ui)"]),
].join(" and ");

let browser: Browser | undefined;
/** The stages of the running test. */
const tabs: UiTab[] = [];

/** A group of tests that need a browser and the UI; skipped with the reason if one is missing. */
export function describeUi(name: string, tests: () => void): void {
  if (missing !== "") {
    test.skip(`${name}: skipped, there is ${missing}`, () => {});
    return;
  }
  jest.setTimeout(TEST_MS);
  describe(name, () => {
    beforeAll(async () => {
      mkdirSync(SCREENSHOTS, { recursive: true });
      browser = await chromium.launch(CHROMIUM);
    });
    // Not when a stage is disposed: a failed test must not hide the page's errors.
    afterEach(async () => {
      const watched = tabs.splice(0);
      if (hasFailed()) throw new Error(await storyOf(watched));
      for (const tab of watched) tab.verify();
    });
    afterAll(() => browser?.close());
    tests();
  });
}

/** What the tabs of a failed test showed; screenshots of those still open are named after the test. */
async function storyOf(watched: readonly UiTab[]): Promise<string> {
  const name = `failed-${expect.getState().currentTestName?.replace(/\W+/g, "-").slice(0, 100)}`;
  return (await Promise.all(watched.map((tab, index) => tab.story(`${name}-${index + 1}`)))).join("\n\n");
}

export interface UiStage extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly upstream: ScriptedUpstream;
  /** A tab of this stage's one browser profile, at a page of the UI. */
  readonly open: UiProfile["open"];
}

export interface UiOptions {
  /** Replaces the test configuration's top-level keys. */
  readonly config?: Record<string, unknown>;
  readonly token?: string;
  /** Another server of the UI; the gateway's address is appended. */
  readonly from?: string;
  /** Continues with another gateway over the same upstream and profile. */
  readonly port?: number;
}

/** Starts everything. Any bad frame or page error fails the test at its end. */
export async function startUi({ config, token, from }: UiOptions = {}): Promise<UiStage> {
  await using started = new AsyncDisposableStack();
  const upstream = started.use(await startScriptedUpstream());
  const gateway = started.use(
    await startTestGateway({
      upstream: upstream.url,
      config: {
        defaultModel: "gpt",
        openclaw: { controlUi: CONTROL_UI },
        ...(token !== undefined && { auth: { token } }),
        ...config,
      },
    }),
  );
  const profile = started.use(await openProfile(gateway.url, token, from));
  const parts = started.move();
  return { gateway, upstream, open: profile.open, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

export interface UiProfile extends AsyncDisposable {
  /** A new tab at a page of the UI; with this token instead of the profile's. */
  open(page?: string, token?: string): Promise<UiTab>;
}

const LOOKS = { viewport: { width: 1300, height: 850 }, colorScheme: "light" } as const;

/** A browser profile for the UI of the gateway at this address. */
export async function openProfile(url: string, token?: string, from?: string): Promise<UiProfile> {
  if (!browser) throw new Error("openProfile outside describeUi");
  return profileOf(await browser.newContext(LOOKS), url, token, from);
}

/** A browser of its own whose profile is kept in a directory, as a person's is when it is closed and opened again. */
export async function openKeptProfile(url: string, directory: string): Promise<UiProfile> {
  const options = { ...LOOKS, ...CHROMIUM };
  return profileOf(await chromium.launchPersistentContext(directory, options), url);
}

function profileOf(profile: BrowserContext, url: string, usualToken?: string, from?: string): UiProfile {
  profile.setDefaultTimeout(WAIT_MS);
  const opened: UiTab[] = [];
  return {
    async open(name = "chat/main", token = usualToken) {
      const tab = new UiTab(await profile.newPage(), SCREENSHOTS, from);
      tabs.push(tab);
      opened.push(tab);
      const hash = token === undefined ? "" : `#token=${encodeURIComponent(token)}`;
      const elsewhere = from && `${from}/${name}?gatewayUrl=${encodeURIComponent(url.replace(/^http/, "ws"))}`;
      await tab.goto(`${elsewhere ?? `${url}/ui/${name}`}${hash}`);
      return tab;
    },
    async [Symbol.asyncDispose]() {
      // A page that is closed or stuck has nothing to tell.
      await Promise.allSettled(opened.filter(({ page }) => !page.isClosed()).map((tab) => tab.keepText()));
      await profile.close();
    },
  };
}
