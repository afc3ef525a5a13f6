import { type GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { UpstreamSink } from "../../core/ports/upstream.ts";

/**
 * Tells a sink its last: that the answer ended, or why it failed. Many of these come out of timers and sockets, where
 * nobody would catch what a sink throws, and the process would end for it. A sink that throws at an end is told that its
 * stream failed `internal`; of each fault the observer is told, because the sink may have closed its books.
 */
export function tellLast(sink: UpstreamSink, observer: Pick<Observer, "fault">, error?: GatewayError): void {
  try {
    if (error) sink.fail(error);
    else sink.end();
  } catch (fault) {
    observer.fault(fault, "stream");
    if (!error) tellLast(sink, observer, toGatewayError(fault));
  }
}
