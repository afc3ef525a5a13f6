// @ts-check
/** The newest frames of a connection, as they are on the wire. */

/** Of each kind, so that the many events and what acknowledges them do not push the few other frames out. */
const MAX_ROWS = { event: 16, ack: 8, other: 8 };
const MAX_TEXT = 400;
/** Between two repaints, in milliseconds: a model may send hundreds of frames a second. */
const PAINT_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1_000 : 120;

export class FrameView {
  /** @type {HTMLElement} */
  #list;
  /** @type {{ direction: string, text: string, kind: keyof typeof MAX_ROWS }[]} */
  #frames = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #paint;

  /** @param {HTMLElement} list an `ol` */
  constructor(list) {
    this.#list = list;
  }

  /**
   * @param {"sent" | "received"} direction
   * @param {string} text
   */
  add(direction, text) {
    const isLong = text.length > MAX_TEXT;
    const kind = text.startsWith('{"type":"event') ? "event" : text.startsWith('{"type":"ack') ? "ack" : "other";
    this.#frames.push({ direction, text: isLong ? `${text.slice(0, MAX_TEXT)} …` : text, kind });
    const alike = this.#frames.filter((frame) => frame.kind === kind);
    const [oldest] = alike;
    if (oldest && alike.length > MAX_ROWS[kind]) this.#frames.splice(this.#frames.indexOf(oldest), 1);
    this.#paint ??= setTimeout(() => this.#show(), PAINT_MS);
  }

  #show() {
    this.#paint = undefined;
    this.#list.replaceChildren(
      ...this.#frames.map(({ direction, text }) => {
        const row = document.createElement("li");
        row.dataset.direction = direction;
        const arrow = document.createElement("span");
        arrow.className = "arrow";
        arrow.textContent = direction === "sent" ? "→ sent " : "← received ";
        row.append(arrow, text);
        return row;
      }),
    );
    this.#list.scrollTop = this.#list.scrollHeight;
  }
}
