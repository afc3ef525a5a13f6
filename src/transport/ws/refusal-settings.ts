import type { Code } from "../../../protocol/codes.ts";

/** The settings behind refusals that end a socket, where one alone decides. */
const SETTINGS: Readonly<Partial<Record<Code, string>>> = {
  handshake_timeout: "limits.sockets.handshakeMs",
  too_many_violations: "limits.requests.violationsPerMinute",
  overloaded: "limits.inboundBytes",
  // Of bytes; the one of messages is named where they are counted, and the one of pings is fixed.
  rate_limited: "limits.requests.inboundBytesPerSecond",
};

/** The settings for the largest frame, by face. */
const FRAME_BYTES: Readonly<Record<string, string>> = {
  stream: "limits.requests.streamFrameBytes",
  openclaw: "limits.requests.openclawFrameBytes",
};

/** The setting that cures a refusal by which a socket of this face ends; undefined if none does. */
export function settingOf(code: Code, face: string): string | undefined {
  return code === "frame_too_large" ? (FRAME_BYTES[face] ?? "limits.apiBodyBytes") : SETTINGS[code];
}
