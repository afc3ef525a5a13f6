// @ts-check
/** Shows one answer. Model output becomes text nodes only, never markup. */

/** @import { Piece } from "./dialect-reader.js" */
/** @import { End, ErrorBody } from "./client/index.js" */

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {number | undefined} ms */
const duration = (ms) => {
  if (ms === undefined) return "–";
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
};

/** The view of one run; a new one replaces the last. */
export class RunView {
  #parts = {
    text: document.createTextNode(""),
    thinking: document.createTextNode(""),
    tool: document.createTextNode(""),
  };
  #sentAt = 0;
  #pieces = 0;

  constructor() {
    element("answer").replaceChildren(this.#parts.text);
    element("thinking").replaceChildren(this.#parts.thinking);
    element("tool").replaceChildren(this.#parts.tool);
    for (const id of ["thinking-box", "tool", "failure", "empty"]) element(id).hidden = true;
    element("output").hidden = false;
    element("output").setAttribute("aria-busy", "true");
    for (const id of ["first", "share", "tokens", "total"]) element(id).textContent = "–";
    this.#say("Connecting …");
  }

  /** The request is being sent: times count from now. */
  sent() {
    this.#sentAt = performance.now();
    this.#say("Waiting for the first token …");
  }

  /** @param {Piece} piece */
  show({ kind, text }) {
    this.#pieces++;
    if (this.#pieces === 1) {
      element("first").textContent = duration(performance.now() - this.#sentAt);
      this.#say("Streaming …");
    }
    if (this.#parts[kind].length === 0) this.#begin(kind);
    this.#parts[kind].appendData(text);
    element("tokens").textContent = String(this.#pieces);
  }

  /**
   * Thinking is unfolded until the answer begins.
   * @param {Piece["kind"]} kind
   */
  #begin(kind) {
    const thoughts = /** @type {HTMLDetailsElement} */ (element("thinking-box"));
    thoughts.open = kind === "thinking";
    if (kind === "thinking") thoughts.hidden = false;
    if (kind === "tool") element("tool").hidden = false;
  }

  /** @param {End} end */
  end({ status, finish, error, usage, timing }) {
    const { firstContentMs, firstSentMs } = timing;
    if (firstContentMs !== undefined && firstSentMs !== undefined) {
      element("share").textContent = duration(firstSentMs - firstContentMs);
    }
    if (usage.outputTokens !== undefined) {
      element("tokens").textContent = `${usage.source === "exact" ? "" : "about "}${usage.outputTokens}`;
    }
    if (status === "failed" && error) this.failed(error);
    else if (status === "cancelled") this.#finish("Stopped.");
    else this.#finish(finish ? `Finished: ${finish}` : "Finished.");
  }

  /** @param {Pick<ErrorBody, "code" | "message">} failure */
  failed({ code, message }) {
    element("failure").hidden = false;
    element("failure-code").textContent = code;
    element("failure-message").textContent = message;
    this.#finish(this.#pieces > 0 ? "Failed. The text so far is kept." : "Failed.");
  }

  /** @param {string} words */
  #finish(words) {
    if (this.#sentAt > 0) element("total").textContent = duration(performance.now() - this.#sentAt);
    element("output").setAttribute("aria-busy", "false");
    this.#say(words);
  }

  /** @param {string} words */
  #say(words) {
    element("run-status").textContent = words;
  }
}
