import type { DialectName } from "../../../../protocol/dialects.ts";
import type { GatewayError } from "../../../core/kernel/errors.ts";
import type { HttpResponse } from "../../../core/ports/http-face.ts";

/** A server-sent event, as text. */
export interface EventText {
  readonly event: string | undefined;
  readonly data: string;
  /** Written as it is, without the format of an event. */
  readonly isUnframed?: true;
}

/** How each dialect words the gateway's own errors. */
export interface Wording {
  refusal(dialect: DialectName, error: GatewayError): HttpResponse;
  /** The final events of a stream that failed midway; none when `last`, the last event sent, reports the failure already. */
  errorEvents(
    dialect: DialectName,
    error: GatewayError,
    first: EventText | undefined,
    last: EventText | undefined,
  ): readonly EventText[];
}
