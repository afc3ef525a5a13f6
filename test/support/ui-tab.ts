import { join } from "node:path";
import type { Locator, Page, WebSocket } from "playwright-core";
import { isObject } from "../../src/core/json.ts";
import { FrameCheck } from "./openclaw-schemas.ts";

/** What a page tells when something is wrong with it. */
const COMPLAINTS = /unknown method|schema unavailable|is unavailable|invalid .*(params|page)|failed to|refresh failed/i;

/** One tab of the Control UI, watched: every frame against the schemas, every error of the page. */
export class UiTab {
  readonly page: Page;
  /** Methods the page called, as often as it did. */
  readonly called: string[] = [];
  /** What requests were refused with, by method. */
  readonly refused: { readonly method: string; readonly message: string }[] = [];
  readonly #screenshots: string;
  readonly #faults: unknown[] = [];

  constructor(page: Page, screenshots: string) {
    this.page = page;
    this.#screenshots = screenshots;
    page.on("websocket", (socket) => this.#watch(socket));
    page.on("pageerror", (error) => this.#faults.push(error));
    page.on("response", (answer) => {
      if (answer.status() >= 400) this.#faults.push(new Error(`HTTP ${answer.status()} for ${answer.url()}`));
    });
    page.on("console", (message) => {
      // What could not be loaded is told with its status by "response".
      const told = message.type() === "error" && !message.text().startsWith("Failed to load resource");
      if (told) this.#faults.push(new Error(`the console says: ${message.text()}`));
    });
  }

  async goto(url: string): Promise<void> {
    await this.page.goto(url, { waitUntil: "domcontentloaded" });
  }

  get composer(): Locator {
    return this.page.locator("textarea").first();
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
    await this.page.getByText(text).first().waitFor();
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
    const methods = new Map<string, string>();
    const guard = (payload: string | Buffer, look: (frame: Record<string, unknown>) => void) => {
      try {
        const frame: unknown = JSON.parse(String(payload));
        if (isObject(frame)) look(frame);
      } catch (error) {
        this.#faults.push(error);
      }
    };
    socket.on("framesent", ({ payload }) =>
      guard(payload, ({ id, method }) => {
        this.called.push(String(method));
        methods.set(String(id), String(method));
        check.request(String(id), String(method));
      }),
    );
    socket.on("framereceived", ({ payload }) =>
      guard(payload, (frame) => {
        if (frame.ok === false && isObject(frame.error)) {
          const method = methods.get(String(frame.id)) ?? "";
          this.refused.push({ method, message: String(frame.error.message) });
        }
        check.received(frame);
      }),
    );
  }
}
