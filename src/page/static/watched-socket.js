// @ts-check
/** The platform's WebSocket under a client, with its frames seen and within reach to be cut. */

export class SocketWatch {
  /** @type {WebSocket | undefined} */
  #socket;
  /** For `connect`. */
  SocketClass;

  /** @param {(direction: "sent" | "received", text: string) => void} frame hears of every frame */
  constructor(frame) {
    /** @param {WebSocket} socket */
    const opened = (socket) => {
      this.#socket = socket;
    };
    this.SocketClass = class extends WebSocket {
      /**
       * @param {string} url
       * @param {string[]} protocols
       */
      constructor(url, protocols) {
        super(url, protocols);
        opened(this);
        this.addEventListener("message", ({ data }) => frame("received", data));
      }

      /**
       * @override
       * @param {string} text
       */
      send(text) {
        // A socket that was cut is closing for a moment, and a browser complains about what is sent then.
        if (this.readyState !== WebSocket.OPEN) return;
        super.send(text);
        frame("sent", text);
      }
    };
  }

  /** Closes the socket, as a network would; the client makes another and resumes the streams. */
  cut() {
    this.#socket?.close();
  }
}
