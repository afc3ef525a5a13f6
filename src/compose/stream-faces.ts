import { createHttpStreamsFace } from "../faces/http-streams/face.ts";
import { createStreamFace } from "../faces/stream/face.ts";
import type { StreamFaceParts } from "../faces/stream/parts.ts";
import type { Limits } from "./limits.ts";

/** Most idempotency keys remembered, a few hundred bytes each; the oldest are dropped. */
const IDEMPOTENCY_KEYS = 10_000;

/** The faces of Sluice's own protocol: over a WebSocket, and over SSE and long poll. Disposing stops their timers. */
export function connectStreamFaces(parts: Omit<StreamFaceParts, "limits"> & { readonly limits: Limits }) {
  const { registry, limits } = parts;
  const stream = createStreamFace({
    ...parts,
    limits: { ...limits, frameBytes: limits.streamFrameBytes, idempotencyKeys: IDEMPOTENCY_KEYS },
  });
  const httpStreams = createHttpStreamsFace({
    registry,
    limits: { keepAliveMs: (limits.pingMs + limits.pongMs) / 2, betweenPollsMs: limits.pingMs },
  });
  return {
    stream,
    httpStreams,
    [Symbol.dispose]() {
      httpStreams.close();
      stream.close();
    },
  };
}
