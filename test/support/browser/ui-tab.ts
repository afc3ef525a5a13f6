import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { PageCalls, WAIT_MS } from "./page-calls.ts";

/** Phrases by which a page reports an error. */
const COMPLAINTS =
  /unknown method|schema unavailable|usage is unavailable|invalid .*(params|page)|failed to|refresh failed/i;

/** Not in the pane of a session that the page has left, which it keeps transparent. */
const PRESENT = ":not([inert] *)";

/** The button that starts a new session, while it cannot. */
const NOT_READY = '.new-session-page__start-submit[aria-disabled="true"]';

/** One tab of the Control UI, watched: every frame against the schemas, every error of the page. */
export class UiTab {
  readonly page: Page;
  readonly #calls: PageCalls;
  readonly #screenshots: string;
  readonly #faults: unknown[] = [];
  #mayLose = false;
  /** What the page showed before it was closed. */
  #lastText = "";

  /** `elsewhere`: the page's server if it is not a gateway; the page still treats it as one. */
  constructor(page: Page, screenshots: string, elsewhere?: string) {
    const isOurs = (text: string) => elsewhere === undefined || !text.includes(new URL(elsewhere).host);
    this.page = page;
    this.#screenshots = screenshots;
    this.#calls = new PageCalls(page, (fault) => this.#faults.push(fault));
    page.on("pageerror", (error) => this.#faults.push(error));
    page.on("response", (answer) => {
      const isLost = this.#mayLose && answer.status() === 503;
      if (answer.status() >= 400 && !isLost && isOurs(answer.url()))
        this.#faults.push(new Error(`HTTP ${answer.status()} for ${answer.url()}`));
    });
    page.on("console", (message) => {
      // "response" reports failed loads with their status.
      const isLost = this.#mayLose && /^WebSocket connection to \S+ failed/.test(message.text());
      const told = message.type() === "error" && !isLost && !message.text().startsWith("Failed to load resource");
      if (told && isOurs(message.text())) this.#faults.push(new Error(`the console says: ${message.text()}`));
    });
  }

  /** From now on, that nothing serves the page is no error of it. */
  mayLoseItsGateway(): void {
    this.#mayLose = true;
  }

  /** Refusals by method. */
  get refused(): { readonly method: string; readonly message: string }[] {
    return this.#calls.refused;
  }

  /** Bytes of all frames received, their WebSocket heads included. */
  get receivedBytes(): number {
    return this.#calls.receivedBytes;
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
    await this.#calls.succeeded(method, params);
  }

  /** Waits until all of the page's requests are answered and shown. */
  async settled(): Promise<void> {
    await this.#calls.answered();
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

  /** Error lines shown on the page. */
  async complaints(): Promise<string[]> {
    const [text = ""] = await this.page.locator("body").allInnerTexts();
    return text.split("\n").filter((line) => COMPLAINTS.test(line));
  }

  async shot(name: string): Promise<void> {
    await this.page.screenshot({ path: join(this.#screenshots, `${name}.png`) });
  }

  /** Keeps what the page shows, for `story`, before it is closed. */
  async keepText(): Promise<void> {
    [this.#lastText = ""] = await this.page.locator("body").allInnerTexts();
  }

  /** For a test that has failed: where the page is, its text, errors and open requests; with a screenshot if it is open. */
  async story(name: string): Promise<string> {
    if (!this.page.isClosed()) await Promise.allSettled([this.keepText(), this.shot(name)]);
    const refused = this.refused.map(({ method, message }) => `${method}: ${message}`);
    const facts = { "not answered": this.#calls.unanswered, refused, errors: this.#faults.map(String) };
    const lines = Object.entries(facts).map(([fact, of]) => `${fact}: ${of.join("; ") || "none"}`);
    return [`The page ${this.page.url()}`, ...lines, this.#lastText].join("\n");
  }

  /** Throws the first error. */
  verify(): void {
    for (const fault of this.#faults) throw fault;
  }
}
