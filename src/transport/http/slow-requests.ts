import type { IncomingMessage, ServerResponse } from "node:http";
import { type PaceLimits, SenderPace } from "../admit/sender-pace.ts";
import { hasBody } from "./target.ts";

/** As long as a client may be silent. */
export const LINGER_MS = 15_000;

export interface SlowRequestsParts {
  readonly pace: PaceLimits;
  /** How long an answered client may go on sending, in milliseconds: many hear an answer only when they have sent all. */
  readonly lingerMs: number;
  /** Clock reading in milliseconds. */
  readonly now: () => number;
}

interface Watched {
  readonly response: ServerResponse;
  readonly pace: SenderPace;
  /** What its socket had read when it was last looked at. */
  seenBytes: number;
  answeredAt: number | undefined;
  tooSlow: () => void;
}

/**
 * Requests whose bodies are still coming. Node's own `requestTimeout` counts from the first byte and would refuse every
 * large body on a slow line; this one judges by progress.
 */
export class SlowRequests {
  readonly #parts: SlowRequestsParts;
  #lookedAt: number;
  readonly #watched = new Map<IncomingMessage, Watched>();

  constructor(parts: SlowRequestsParts) {
    this.#parts = parts;
    this.#lookedAt = parts.now();
  }

  /** From now on the request must go on coming, or its socket is closed. */
  watch(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (!hasBody(request)) return;
    this.#watched.set(request, {
      response,
      pace: new SenderPace(this.#parts.pace, this.#parts.now()),
      seenBytes: socket.bytesRead,
      answeredAt: undefined,
      tooSlow: () => socket.destroy(),
    });
  }

  /** What to do instead when the body is too slow. */
  onTooSlow(request: IncomingMessage, tooSlow: () => void): void {
    const watched = this.#watched.get(request);
    if (watched) watched.tooSlow = tooSlow;
  }

  /** Ends what is too slow. Call it about once a second. */
  look(): void {
    const now = this.#parts.now();
    const stoodStill = now - this.#lookedAt >= this.#parts.pace.silenceMs / 2;
    this.#lookedAt = now;
    for (const [request, watched] of this.#watched) {
      if (request.complete || request.socket.destroyed) this.#watched.delete(request);
      // What waits in the kernel is read after this.
      else if (stoodStill) watched.pace.forgive(now);
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
