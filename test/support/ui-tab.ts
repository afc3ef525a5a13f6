import { join } from "node:path";
import type { Locator, Page, WebSocket } from "playwright-core";
import { isObject } from "../../src/core/kernel/json.ts";
import { FrameCheck } from "./openclaw-schemas.ts";

/**
 * What one wait on a page may take, in milliseconds. A page loads in a tenth of it on two idle cores; two browsers and
 * their gateways on two busy cores need most of it.
 */
export const WAIT_MS = 60_000;

/** Phrases by which a page reports an error. */
const COMPLAINTS =
  /unknown method|schema unavailable|usage is unavailable|invalid .*(params|page)|failed to|refresh failed/i;

/** Not in the pane of a session that the page has left, which it keeps transparent. */
const PRESENT = ":not([inert] *)";

/** The button that starts a new session, while it cannot. */
const NOT_READY = '.new-session-page__start-submit[aria-disabled="true"]';

/** A page's request; `ok` once it is answered. */
interface Call {
  readonly method: string;
  readonly params: unknown;
  ok?: boolean;
}

/** One tab of the Control UI, watched: every frame against the schemas, every error of the page. */
export class UiTab {
  readonly page: Page;
  /** The page's requests, and whether they succeeded. */
  readonly #calls: Call[] = [];
  readonly #watching = new Set<() => void>();
  /** Refusals by method. */
  readonly refused: { readonly method: string; readonly message: string }[] = [];
  /** Bytes of all frames received, their WebSocket heads included (RFC 6455, section 5.2). */
  receivedBytes = 0;
  readonly #screenshots: string;
  readonly #faults: unknown[] = [];

  /** `elsewhere`: the page's server if it is not a gateway; the page still treats it as one. */
  constructor(page: Page, screenshots: string, elsewhere?: string) {
    const isOurs = (text: string) => elsewhere === undefined || !text.includes(new URL(elsewhere).host);
    this.page = page;
    this.#screenshots = screenshots;
    page.on("websocket", (socket) => this.#watch(socket));
    page.on("pageerror", (error) => this.#faults.push(error));
    page.on("response", (answer) => {
      if (answer.status() >= 400 && isOurs(answer.url()))
        this.#faults.push(new Error(`HTTP ${answer.status()} for ${answer.url()}`));
    });
    page.on("console", (message) => {
      // "response" reports failed loads with their status.
      const told = message.type() === "error" && !message.text().startsWith("Failed to load resource");
      if (told && isOurs(message.text())) this.#faults.push(new Error(`the console says: ${message.text()}`));
    });
  }

  async goto(url: string): Promise<void> {
    await this.page.goto(url, { waitUntil: "domcontentloaded" });
  }

  /** Navigates to another page of the UI without a reload, like a link. */
  async visit(path: string): Promise<void> {
    await this.page.evaluate(
      `history.pushState({}, "", ${JSON.stringify(path)}); dispatchEvent(new PopStateEvent("popstate"))`,
    );
  }

  get composer(): Locator {
    return this.page.locator(`textarea:visible${PRESENT}`).first();
  }

  get answers(): Locator {
    return this.page.locator(`.chat-group.assistant .chat-text${PRESENT}`);
  }

  get questions(): Locator {
    return this.page.locator(`.chat-group.user .chat-text${PRESENT}`);
  }

  /** Types a message and sends it, once the page can: the one of a new session ignores Enter while it gets ready. */
  async send(text: string): Promise<void> {
    await this.composer.waitFor();
    await this.composer.fill(text);
    await this.#frames(
      "the page is ready",
      async () => (await this.page.locator(`${NOT_READY}${PRESENT}`).count()) === 0,
    );
    await this.page.keyboard.press("Enter");
  }

  /** Waits until exactly these questions are shown. */
  async untilQuestions(texts: readonly string[]): Promise<void> {
    const shown = async () => (await this.questions.allInnerTexts()).map((text) => text.trim());
    const all = texts.join("\n");
    await this.#frames(`the questions are ${JSON.stringify(texts)}`, async () => (await shown()).join("\n") === all);
  }

  /** Chooses from the menu of a question. */
  async choose(question: string, item: string): Promise<void> {
    await this.questions.filter({ hasText: question }).last().click({ button: "right" });
    await this.page.getByRole("menuitem", { name: item }).click();
  }

  /** Goes back to before a question, which the composer then holds. */
  async rewind(question: string): Promise<void> {
    await this.choose(question, "Rewind to here");
    await this.page.getByRole("dialog").getByRole("button", { name: "Rewind" }).click();
    await this.composerHolds(question);
  }

  /** Waits until the composer holds exactly this draft. */
  async composerHolds(text: string): Promise<void> {
    await this.#frames(`the draft is "${text}"`, async () => (await this.composer.inputValue()) === text);
  }

  /** Waits until the page has moved from `new` to the address of its session, which it does after it shows an answer. */
  async untilOwnAddress(): Promise<string> {
    await this.page.waitForURL(({ pathname }) => /^\/ui\/chat\/main\/.*[0-9a-f]{8,32}$/.test(pathname));
    return new URL(this.page.url()).pathname.slice("/ui/".length);
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name }).first();
  }

  /** Waits until the newest answer has exactly this text, white space aside. */
  async untilAnswer(text: string): Promise<void> {
    const words = text
      .trim()
      .split(/\s+/)
      .map((word) => word.replace(/[^\w]/g, "\\$&"));
    const exactly = new RegExp(`^\\s*${words.join("\\s+")}\\s*$`);
    await this.answers.last().filter({ hasText: exactly }).waitFor();
  }

  /** Waits until a text is visible anywhere. */
  async untilText(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).filter({ visible: true }).first().waitFor();
  }

  /** Waits until the page has called a method with at least these parameters successfully. */
  async until(method: string, params: Record<string, unknown>): Promise<void> {
    const fits = (call: { readonly params: unknown }) =>
      Object.entries(params).every(([name, value]) => isObject(call.params) && call.params[name] === value);
    const succeeded = (call: Call) => call.ok === true && call.method === method && fits(call);
    await this.#look(`${method} has succeeded`, () => this.#calls.some(succeeded));
  }

  /** Waits until all of the page's requests are answered and shown. */
  async settled(): Promise<void> {
    await this.#look("every request is answered", () => this.#calls.every(({ ok }) => ok !== undefined));
    await this.page.evaluate("new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)))");
  }

  /** Looks at every frame of the page until it holds. */
  async #frames(what: string, holds: () => Promise<boolean>): Promise<void> {
    const since = performance.now();
    while (!(await holds())) {
      if (performance.now() - since > WAIT_MS) throw new Error(`not within ${WAIT_MS} ms: ${what}`);
      await this.page.evaluate("new Promise((shown) => requestAnimationFrame(shown))");
    }
  }

  /** Looks at every frame of the page's sockets, and when one closes, until it holds. */
  #look(what: string, holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#watching.delete(look);
        clearTimeout(late);
      };
      const look = () => {
        if (!holds()) return;
        done();
        resolve();
      };
      const late = setTimeout(() => {
        done();
        reject(new Error(`not within ${WAIT_MS} ms: ${what}`));
      }, WAIT_MS);
      this.#watching.add(look);
      look();
    });
  }

  /** Error lines shown on the page. */
  async complaints(): Promise<string[]> {
    const [text = ""] = await this.page.locator("body").allInnerTexts();
    return text.split("\n").filter((line) => COMPLAINTS.test(line));
  }

  async shot(name: string): Promise<void> {
    await this.page.screenshot({ path: join(this.#screenshots, `${name}.png`) });
  }

  /** Throws the first error. */
  verify(): void {
    for (const fault of this.#faults) throw fault;
  }

  #watch(socket: WebSocket): void {
    const check = new FrameCheck();
    const calls = new Map<string, Call>();
    const guard = (payload: string | Buffer, look: (frame: Record<string, unknown>) => void) => {
      try {
        const frame: unknown = JSON.parse(String(payload));
        if (isObject(frame)) look(frame);
      } catch (error) {
        this.#faults.push(error);
      }
    };
    socket.on("framesent", ({ payload }) =>
      guard(payload, ({ id, method, params }) => {
        const call: Call = { method: String(method), params };
        this.#calls.push(call);
        calls.set(String(id), call);
        check.request(String(id), call.method);
      }),
    );
    socket.on("close", () => {
      for (const call of calls.values()) call.ok ??= false;
      for (const look of this.#watching) look();
    });
    socket.on("framereceived", ({ payload }) => {
      const bytes = Buffer.byteLength(payload);
      this.receivedBytes += bytes + (bytes < 126 ? 2 : bytes < 65_536 ? 4 : 10);
      guard(payload, (frame) => {
        const call = calls.get(String(frame.id));
        if (call && typeof frame.ok === "boolean") call.ok = frame.ok;
        if (frame.ok === false && isObject(frame.error)) {
          this.refused.push({ method: call?.method ?? "", message: String(frame.error.message) });
        }
        check.received(frame);
        for (const look of this.#watching) look();
      });
    });
  }
}
