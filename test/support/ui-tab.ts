import { join } from "node:path";
import type { Locator, Page, WebSocket } from "playwright-core";
import { isObject } from "../../src/core/kernel/json.ts";
import { FrameCheck } from "./openclaw-schemas.ts";

/** What a page tells when something is wrong with it. */
const COMPLAINTS =
  /unknown method|schema unavailable|usage is unavailable|invalid .*(params|page)|failed to|refresh failed/i;

/** A request of the page; `ok` once it was answered. */
interface Call {
  readonly method: string;
  readonly params: unknown;
  ok?: boolean;
}

/** One tab of the Control UI, watched: every frame against the schemas, every error of the page. */
export class UiTab {
  readonly page: Page;
  /** What the page asked for, and whether it was answered well. */
  readonly #calls: Call[] = [];
  readonly #watching = new Set<() => void>();
  /** What requests were refused with, by method. */
  readonly refused: { readonly method: string; readonly message: string }[] = [];
  readonly #screenshots: string;
  readonly #faults: unknown[] = [];

  /** `elsewhere`: where the page comes from, when that is no gateway; the page asks it like one all the same. */
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
      // What could not be loaded is told with its status by "response".
      const told = message.type() === "error" && !message.text().startsWith("Failed to load resource");
      if (told && isOurs(message.text())) this.#faults.push(new Error(`the console says: ${message.text()}`));
    });
  }

  async goto(url: string): Promise<void> {
    await this.page.goto(url, { waitUntil: "domcontentloaded" });
  }

  /** Goes to another page of the UI without loading it anew, as a link in it does. */
  async visit(path: string): Promise<void> {
    await this.page.evaluate(
      `history.pushState({}, "", ${JSON.stringify(path)}); dispatchEvent(new PopStateEvent("popstate"))`,
    );
  }

  get composer(): Locator {
    return this.page.locator("textarea:visible").first();
  }

  get answers(): Locator {
    return this.page.locator(".chat-group.assistant .chat-text");
  }

  get questions(): Locator {
    return this.page.locator(".chat-group.user .chat-text");
  }

  /** Types a message and sends it. */
  async send(text: string): Promise<void> {
    await this.composer.waitFor();
    await this.composer.fill(text);
    await this.page.keyboard.press("Enter");
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name }).first();
  }

  /** Waits until the newest answer reads exactly so, white space aside. */
  async untilAnswer(text: string): Promise<void> {
    const words = text
      .trim()
      .split(/\s+/)
      .map((word) => word.replace(/[^\w]/g, "\\$&"));
    const exactly = new RegExp(`^\\s*${words.join("\\s+")}\\s*$`);
    await this.answers.last().filter({ hasText: exactly }).waitFor();
  }

  /** Waits until a text can be seen anywhere. */
  async untilText(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).filter({ visible: true }).first().waitFor();
  }

  /** Waits until the page has called a method with at least these parameters, and was answered well. */
  async until(method: string, params: Record<string, unknown>): Promise<void> {
    const fits = (call: { readonly params: unknown }) =>
      Object.entries(params).every(([name, value]) => isObject(call.params) && call.params[name] === value);
    await this.#look(() => this.#calls.some((call) => call.ok === true && call.method === method && fits(call)));
  }

  /** Waits until everything the page asked for was answered, and shown. */
  async settled(): Promise<void> {
    await this.#look(() => this.#calls.every(({ ok }) => ok !== undefined));
    await this.page.evaluate("new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)))");
  }

  async #look(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((look) => this.#watching.add(look));
  }

  /** Lines the page shows that complain. */
  async complaints(): Promise<string[]> {
    const [text = ""] = await this.page.locator("body").allInnerTexts();
    return text.split("\n").filter((line) => COMPLAINTS.test(line));
  }

  async shot(name: string): Promise<void> {
    await this.page.screenshot({ path: join(this.#screenshots, `${name}.png`) });
  }

  /** Throws the first thing that was wrong. */
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
    });
    socket.on("framereceived", ({ payload }) =>
      guard(payload, (frame) => {
        const call = calls.get(String(frame.id));
        if (call && typeof frame.ok === "boolean") call.ok = frame.ok;
        if (frame.ok === false && isObject(frame.error)) {
          this.refused.push({ method: call?.method ?? "", message: String(frame.error.message) });
        }
        check.received(frame);
        for (const look of this.#watching) look();
        this.#watching.clear();
      }),
    );
  }
}
