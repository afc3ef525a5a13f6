import type { Fault } from "./job.ts";
import type { LoadStream } from "./load-stream.ts";
import type { Wire } from "./wire/wire.ts";

const SLOW_BYTES_PER_SECOND = 64 * 1024;
const TURN_MS = 50;

/** Reads a stream's socket badly. The stream must be alone on it. */
export class FaultyReader {
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(wire: Wire, stream: LoadStream, fault: Fault, acknowledges: boolean) {
    if (fault === "slow") this.#timer = readSlowly(wire, stream);
    // Where clients acknowledge, a stalled one still reads its socket; elsewhere it can only stop reading.
    else if (fault === "blackholed" || !acknowledges) wire.pause(stream);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function readSlowly(wire: Wire, stream: LoadStream): NodeJS.Timeout {
  const before = wire.bytesRead(stream);
  const since = performance.now();
  return setInterval(() => {
    const allowed = ((performance.now() - since) / 1000) * SLOW_BYTES_PER_SECOND;
    if (wire.bytesRead(stream) - before > allowed) wire.pause(stream);
    else wire.resume(stream);
  }, TURN_MS);
}
