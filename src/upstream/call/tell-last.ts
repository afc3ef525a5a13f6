import { type GatewayError, toGatewayError } from "../../core/kernel/errors.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { UpstreamSink } from "../../core/ports/upstream.ts";

/**
 * Gives a sink its final call, `end` or `fail`, and catches what it throws: most of these calls come from timers and
 * sockets, where an uncaught exception would end the process. A sink that throws in `end` gets `fail` with `internal`.
 * Every fault goes to the observer, because the sink may no longer record it.
 */
export function tellLast(
  sink: Pick<UpstreamSink, "end" | "fail">,
  observer: Pick<Observer, "fault">,
  error?: GatewayError,
): void {
  try {
    if (error) sink.fail(error);
    else sink.end();
  } catch (fault) {
    observer.fault(fault, "stream");
    if (!error) tellLast(sink, observer, toGatewayError(fault));
  }
}
