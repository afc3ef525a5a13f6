// @ts-check
/** What may be unacknowledged, as protocol/README.md asks. */
const MAX = { bytes: 65_536, messages: 64, ms: 100 };

/** Says when an acknowledgement is due: by bytes, by messages, or by time. */
export class Dues {
  #pay;
  #owed = { bytes: 0, messages: 0 };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {() => void} pay acknowledges everything */
  constructor(pay) {
    this.#pay = pay;
  }

  /**
   * @param {number} bytes
   * @param {number} messages
   */
  add(bytes, messages) {
    this.#owed.bytes += bytes;
    this.#owed.messages += messages;
    if (this.#owed.bytes >= MAX.bytes || this.#owed.messages >= MAX.messages) this.pay();
    else this.#timer ??= setTimeout(() => this.pay(), MAX.ms);
  }

  /** Acknowledges now. */
  pay() {
    this.clear();
    this.#pay();
  }

  /** Owes nothing: the connection is gone. */
  clear() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#owed = { bytes: 0, messages: 0 };
  }
}
