// @ts-check
/** One of several answers on the same socket. It can be stalled: its loop then does not ask for the next event. */
import { SluiceError } from "./client/index.js";
import { readEvent } from "./dialect-reader.js";

/** @import { SluiceStream } from "./client/index.js" */
/** @import { Model } from "./try-it.js" */

const MAX_TEXT = 600;
const PAINT_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1_000 : 100;
/** So long without an event of a stalled stream means that its window is closed. */
const QUIET_MS = 1_000;

export class Lane {
  #model;
  #parts;
  #text = "";
  #came = 0;
  #handled = 0;
  #count = 0;
  /** What had come at the last look. */
  #shown = 0;
  #resumed = "";
  #isOver = false;
  /** What ends the stall. @type {(() => void) | undefined} */
  #goOn;
  /** @type {Promise<void> | undefined} */
  #stall;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #paint;

  /**
   * @param {HTMLElement} root an element of the template `lane`
   * @param {Model} model
   */
  constructor(root, model) {
    /** @param {string} name */
    const part = (name) => /** @type {HTMLElement} */ (root.querySelector(`.${name}`));
    this.#model = model;
    this.#parts = { text: part("lane-text"), state: part("lane-state"), stall: part("lane-stall") };
    part("lane-model").textContent = model.alias;
    this.#parts.stall.setAttribute("aria-label", `Stall ${model.alias}`);
    this.#parts.stall.addEventListener("click", () => this.#toggle());
  }

  /**
   * Shows a stream until it is over.
   * @param {SluiceStream} stream
   */
  async read(stream) {
    this.#say("waiting");
    try {
      for await (const { seq, data } of stream) {
        if (this.#stall) await this.#stall;
        this.#take(data, seq);
      }
      const { status, lastSeq } = await stream.end;
      this.#finish(status === "completed" ? `${this.#count} of ${lastSeq} events` : status);
    } catch (error) {
      this.#finish(`failed: ${error instanceof SluiceError ? error.code : error}`);
    }
  }

  /**
   * An event is here; it waits until those before it are handled.
   * @param {number} seq
   */
  arrived(seq) {
    // Some come again after a resume.
    this.#came = Math.max(this.#came, seq);
    this.#show();
  }

  /** @param {number} after */
  resumed(after) {
    this.#resumed = `, resumed after ${after}`;
    this.#show();
  }

  /**
   * @param {unknown} data
   * @param {number} seq
   */
  #take(data, seq) {
    this.#handled = seq;
    this.#count++;
    this.#text = `${this.#text}${readEvent(this.#model.dialect, data)?.text ?? ""}`.slice(-MAX_TEXT);
    this.#show();
  }

  #toggle() {
    if (this.#goOn) {
      this.#goOn();
      this.#goOn = undefined;
      this.#stall = undefined;
    } else {
      this.#stall = new Promise((resolve) => {
        this.#goOn = () => resolve();
      });
    }
    this.#parts.stall.setAttribute("aria-pressed", String(this.#goOn !== undefined));
    this.#show();
  }

  /** @param {string} words */
  #finish(words) {
    this.#isOver = true;
    clearTimeout(this.#paint);
    this.#parts.text.textContent = this.#text;
    this.#parts.stall.setAttribute("disabled", "");
    this.#say(words);
  }

  #show() {
    if (!this.#isOver) this.#paint ??= setTimeout(() => this.#render(), PAINT_MS);
  }

  #render() {
    this.#paint = undefined;
    this.#parts.text.textContent = this.#text;
    if (!this.#goOn) {
      this.#say(`${this.#handled} events`);
      return;
    }
    const isQuiet = this.#came === this.#shown;
    this.#shown = this.#came;
    this.#say(
      `${this.#handled} events, ${this.#came - this.#handled} ${isQuiet ? "wait here, no more come" : "wait here"}`,
    );
    // Nothing tells a page that its window is closed, other than that nothing comes.
    if (!isQuiet) this.#paint = setTimeout(() => this.#render(), QUIET_MS);
  }

  /** @param {string} words */
  #say(words) {
    this.#parts.state.textContent = `${words}${this.#resumed}`;
  }
}
