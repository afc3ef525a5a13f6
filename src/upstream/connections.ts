import type { Socket } from "node:net";
import { isIP } from "node:net";
import type { buildConnector as Connector, Dispatcher } from "undici";
import { buildConnector, Pool } from "undici";
import { addressNotAllowed, isPublicAddress, publicLookup } from "./address-guard.ts";

export interface ConnectionOptions {
  readonly origin: string;
  readonly maxConnections: number | undefined;
  readonly connectMs: number;
  readonly allowPrivateNetwork: boolean;
  /** Certificates to trust instead of the platform's, as PEM. */
  readonly ca: string | undefined;
}

/** Larger heads are refused: providers' stay under 4 KiB. */
const MAX_HEADER_BYTES = 16_384;

/** The sockets to one upstream: HTTP/1.1, kept alive, one request at a time on each. */
/** What a paused upstream's socket may hold, in bytes, besides the read it was paused in; four times that otherwise. */
const READ_AHEAD = { highWaterMark: 16_384 };

export class Connections {
  readonly #pool: Pool;
  #resetting = false;

  constructor(options: ConnectionOptions) {
    const connect = buildConnector({
      timeout: options.connectMs,
      allowH2: false,
      ...READ_AHEAD,
      minVersion: "TLSv1.2",
      // Said so that NODE_TLS_REJECT_UNAUTHORIZED in the environment cannot switch it off.
      rejectUnauthorized: true,
      ...(options.ca !== undefined && { ca: options.ca }),
      ...(!options.allowPrivateNetwork && { lookup: publicLookup }),
    });
    const guarded: Connector.connector = (target, callback) => {
      // A literal address is never looked up.
      const refused = !options.allowPrivateNetwork && isIP(target.hostname) !== 0 && !isPublicAddress(target.hostname);
      if (refused) callback(addressNotAllowed(), null);
      else
        connect(target, (...result) => {
          if (result[1]) this.#watch(result[1]);
          callback(...result);
        });
    };
    this.#pool = new Pool(options.origin, {
      connect: guarded,
      connections: options.maxConnections ?? null,
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      // The call has its own timers: undici's stand still while a body is paused.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** Whether calls wait for one of the connections to become free. */
  get saturated(): boolean {
    return this.#pool.stats.queued > 0;
  }

  /**
   * Whether a socket is reporting a reset in this very call. undici takes it for the end of a body that has no length,
   * and says nothing of it.
   */
  get resetting(): boolean {
    return this.#resetting;
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#pool.dispatch(options, handler);
  }

  /** Closes every socket now; running exchanges fail. */
  destroy(): Promise<void> {
    return this.#pool.destroy();
  }

  /** Its listeners stand before undici's own, and hold until the event has been told to everybody. */
  #watch(socket: Socket): void {
    let reset = false;
    const note = () => {
      this.#resetting = reset;
      queueMicrotask(() => {
        this.#resetting = false;
      });
    };
    socket.on("error", (error: NodeJS.ErrnoException) => {
      reset = error.code === "ECONNRESET";
      note();
    });
    socket.on("close", note);
  }
}
