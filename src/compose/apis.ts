import { PassThroughRelay, type PassThroughRelayParts } from "../core/pass-through/pass-through-relay.ts";
import type { Face } from "../core/ports/face.ts";
import type { HttpFace } from "../core/ports/http-face.ts";
import { errorEvents } from "../dialects/error-event.ts";
import { refusalBody } from "../dialects/refusal-body.ts";
import { type ApiFaces, type ApiFacesParts, createApiFaces } from "../faces/api/face.ts";
import { createResponsesSocket } from "../faces/api/socket/face.ts";
import type { ResponsesSocketParts } from "../faces/api/socket/parts.ts";
import { createPassThroughFace, type PassThroughFaceParts } from "../faces/pass-through/face.ts";

/** The vendors' APIs, each with its dialect's error bodies. */
export function connectApis(
  parts: Omit<ApiFacesParts & ResponsesSocketParts, "wording">,
): ApiFaces & { readonly responsesSocket: Face } {
  const worded = { ...parts, wording: { refusal: refusalBody, errorEvents } };
  return { ...createApiFaces(worded), responsesSocket: createResponsesSocket(worded) };
}

/** The face of the paths that routes list in `passThrough`. */
export function connectPassThrough(
  parts: PassThroughRelayParts & Omit<PassThroughFaceParts, "relay" | "wording">,
): HttpFace {
  return createPassThroughFace({ ...parts, relay: new PassThroughRelay(parts), wording: { refusal: refusalBody } });
}
