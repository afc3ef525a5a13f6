import { AiSdkSocket } from "../ai-sdk-socket.ts";
import type { Target } from "../job.ts";
import { ResponsesSocket } from "../responses-socket.ts";
import { SdkSocket } from "../sdk-socket.ts";
import { SluiceSocket } from "../sluice-socket.ts";
import { type OpenSocket, SharedWire } from "./shared-wire.ts";
import { SseWire } from "./sse-wire.ts";
import type { Wire } from "./wire.ts";

const SOCKETS: Readonly<Record<Exclude<Target["protocol"], "sse">, OpenSocket>> = {
  sluice: SluiceSocket.open,
  "sluice-client": SdkSocket.open,
  responses: ResponsesSocket.open,
  "ai-sdk": AiSdkSocket.open,
};

/** The client's side of a target's protocol. */
export const wireOf = (target: Target): Wire =>
  target.protocol === "sse" ? new SseWire(target) : new SharedWire(target, SOCKETS[target.protocol]);
