import type { IncomingMessage, ServerResponse } from "node:http";
import { type PaceLimits, SenderPace } from "../admit/sender-pace.ts";
import { hasBody } from "./target.ts";

/** How long a client may continue to send after its response, in milliseconds: as long as it may be silent. */
export const LINGER_MS = 15_000;

/** What slow requests are measured by. */
export interface SlowRequestsParts {
  readonly pace: PaceLimits;
  /** How long a client may continue to send after its response, in milliseconds. Many read it only when they have sent everything. */
  readonly lingerMs: number;
  /** Reads the monotonic clock, in milliseconds. */
  readonly now: () => number;
}

interface Watched {
  readonly response: ServerResponse;
  readonly pace: SenderPace;
  /** Bytes its socket had read at the last look. */
  seenBytes: number;
  answeredAt: number | undefined;
  tooSlow: () => void;
  /** Its reader has stopped reading for a while. */
  isHeld: boolean;
}

/**
 * Ends requests whose bodies arrive too slowly. Node's `requestTimeout` counts from the first byte and would refuse every
 * large body on a slow line; this limits silence and average rate.
 */
export class SlowRequests {
  readonly #parts: SlowRequestsParts;
  #lookedAt: number;
  readonly #watched = new Map<IncomingMessage, Watched>();

  constructor(parts: SlowRequestsParts) {
    this.#parts = parts;
    this.#lookedAt = parts.now();
  }

  /** Watches a request's body; by default a slow one's socket is destroyed. */
  watch(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (!hasBody(request)) return;
    this.#watched.set(request, {
      response,
      pace: new SenderPace(this.#parts.pace, this.#parts.now()),
      seenBytes: socket.bytesRead,
      answeredAt: undefined,
      tooSlow: () => socket.destroy(),
      isHeld: false,
    });
  }

  /** Calls `tooSlow` instead of destroying the socket. */
  onTooSlow(request: IncomingMessage, tooSlow: () => void): void {
    const watched = this.#watched.get(request);
    if (watched) watched.tooSlow = tooSlow;
  }

  /** Whether its reader does not read at the moment, which is not its client's fault. */
  hold(request: IncomingMessage, isHeld: boolean): void {
    const watched = this.#watched.get(request);
    if (watched) watched.isHeld = isHeld;
  }

  /** Checks every request. Call it about once a second. */
  look(): void {
    const now = this.#parts.now();
    const stoodStill = now - this.#lookedAt >= this.#parts.pace.silenceMs / 2;
    this.#lookedAt = now;
    for (const [request, watched] of this.#watched) {
      if (request.complete || request.socket.destroyed) this.#watched.delete(request);
      // Data waiting in the kernel is read after this look.
      else if (stoodStill || watched.isHeld) watched.pace.forgive(now);
      else this.#classify(request, watched, now);
    }
  }

  #classify(request: IncomingMessage, watched: Watched, now: number): void {
    const { bytesRead } = request.socket;
    if (bytesRead > watched.seenBytes) watched.pace.came(bytesRead - watched.seenBytes, now);
    watched.seenBytes = bytesRead;
    if (!watched.response.headersSent) {
      if (watched.pace.isTooSlow(now)) watched.tooSlow();
      return;
    }
    watched.answeredAt ??= now;
    if (watched.pace.isTooSlow(now) || now - watched.answeredAt >= this.#parts.lingerMs) request.socket.destroy();
  }
}
