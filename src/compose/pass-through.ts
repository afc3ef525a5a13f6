import { Passages, type PassagesParts } from "../core/pass/passages.ts";
import type { HttpFace } from "../core/ports/http-face.ts";
import { refusalBody } from "../dialects/refusal-body.ts";
import { createPassThroughFace, type PassThroughParts } from "../faces/pass-through/face.ts";

/** What passes on the requests that routes list. */
export function connectPassThrough(parts: PassagesParts & Omit<PassThroughParts, "passages" | "wording">): HttpFace {
  return createPassThroughFace({ ...parts, passages: new Passages(parts), wording: { refusal: refusalBody } });
}
