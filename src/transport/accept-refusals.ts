import { GatewayError } from "../core/kernel/errors.ts";

/** A socket is closed at once: there are as many as may be. */
export const noRoom = () => new GatewayError("overloaded", undefined, { setting: "limits.connections" });

/** A socket that has not identified its client makes room for another. */
export const madeRoom = () =>
  new GatewayError("handshake_timeout", undefined, { setting: "limits.sockets.unauthenticatedSockets" });
