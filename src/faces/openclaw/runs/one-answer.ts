import { GatewayError } from "../../../core/kernel/errors.ts";
import type { Stream } from "../../../core/stream/stream.ts";

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
