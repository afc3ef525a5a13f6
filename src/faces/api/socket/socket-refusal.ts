import { GatewayError } from "../../../core/kernel/errors.ts";

/** A refusal with a code that only this protocol has; clients act on it. */
export class SocketRefusal extends GatewayError {
  readonly wireCode: string;
  readonly param: string | undefined;

  /** `param` names the field of the request that is at fault. */
  constructor(wireCode: string, message: string, param?: string) {
    super("bad_request", message);
    this.wireCode = wireCode;
    this.param = param;
  }
}

/** The response to continue is not known any more. Clients then send the whole conversation. */
export const previousNotFound = (id: string): SocketRefusal =>
  new SocketRefusal(
    "previous_response_not_found",
    `Previous response with id '${id.slice(0, 64)}' not found.`,
    "previous_response_id",
  );

/** More responses or lanes than one socket may have. */
export const tooManyLanes = (message: string): SocketRefusal =>
  new SocketRefusal("websocket_stream_limit_reached", message, "stream_id");

/** The socket is as old as it may get. Clients open another one. */
export const tooOld = (minutes: number): SocketRefusal =>
  new SocketRefusal(
    "websocket_connection_limit_reached",
    `This connection is ${minutes} minutes old: create a new one to continue.`,
  );
