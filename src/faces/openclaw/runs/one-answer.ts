import { GatewayError } from "../../../core/kernel/errors.ts";
import type { OpenRequest } from "../../../core/relay/open-request.ts";
import type { Relay } from "../../../core/relay/relay.ts";
import type { Stream } from "../../../core/stream/stream.ts";

/** A request whose whole answer is wanted; billed and capped like every stream. */
export type OneRequest = Omit<OpenRequest, "mayRetry" | "face">;

/** Opens the stream of a request that needs no run. Throws like `Relay.open`. */
export const openOne = (relay: Relay, request: OneRequest): Stream =>
  relay.open({ ...request, mayRetry: true, face: "openclaw" });

/**
 * Resolves to the text of a stream that nobody watches. Rejects with its error, or with `upstream_timeout` after
 * `timeoutMs`, which cancels it.
 */
export function textOf(stream: Stream, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const tooLong = new GatewayError("upstream_timeout", "the answer took too long", { details: { timeoutMs } });
    const timer = setTimeout(() => stream.cancel(tooLong), timeoutMs);
    stream.attach({
      push(_, delta) {
        text += delta?.text ?? "";
        return true;
      },
      end({ status, error }) {
        clearTimeout(timer);
        if (status === "completed") resolve(text);
        else reject(error ?? new GatewayError("cancelled"));
      },
      failed() {
        clearTimeout(timer);
        stream.cancel(new GatewayError("internal"));
        reject(new GatewayError("internal"));
      },
    });
  });
}
