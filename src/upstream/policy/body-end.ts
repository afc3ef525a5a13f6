import { readProviderError } from "../../core/dialect/provider-error.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import { parseJson } from "../../core/kernel/json.ts";

/**
 * Why a body that ended in order has failed all the same: it ended inside an event (`isCut`), or with an error that is no
 * event, as some providers send it. `leftover` is what stood in it unframed. Undefined when nothing is wrong.
 */
export function bodyEndError(isCut: boolean, leftover: string | undefined): GatewayError | undefined {
  const said = leftover === undefined ? undefined : readProviderError(parseJson(leftover));
  if (said) {
    const details = said.type === undefined ? {} : { details: { type: said.type } };
    return new GatewayError("upstream_error_event", said.message, details);
  }
  return isCut ? new GatewayError("upstream_truncated", "the upstream's answer ended inside an event") : undefined;
}
