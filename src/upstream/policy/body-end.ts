import { eventError } from "../../core/dialect/error-meaning.ts";
import { readRefusal } from "../../core/dialect/refusal-text.ts";
import { GatewayError } from "../../core/kernel/errors.ts";

/**
 * Why a body that ended in order has failed all the same: it ended inside an event (`isCut`), or with an error that is no
 * event, as some providers send it. `leftover` is what stood in it unframed. Undefined when nothing is wrong.
 */
export function bodyEndError(isCut: boolean, leftover: string | undefined): GatewayError | undefined {
  const said = leftover === undefined ? undefined : readRefusal(leftover);
  if (said) return eventError(said);
  return isCut ? new GatewayError("upstream_truncated", "the upstream's answer ended inside an event") : undefined;
}
