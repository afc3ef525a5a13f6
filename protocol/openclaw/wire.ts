/** Names and figures of the OpenClaw Gateway protocol that both sides must agree on. Read from OpenClaw 2026.9.6. */

/** The OpenClaw release whose schemas and behaviour this gateway follows. */
export const OPENCLAW_RELEASE = "2026.9.6";

/** Where an installed Control UI is served, and where it then opens its WebSocket. */
export const CONTROL_UI_PATH = "/ui";

export const OPENCLAW_PROTOCOL = 4;
/** Spoken by OpenClaw up to 2026.5. It differs in what a chat delta carries: the whole text so far, never a piece alone. */
export const OPENCLAW_OLDEST_PROTOCOL = 3;

/** Largest inbound frame after `connect`, as the real gateway advertises it: 25 MiB. */
export const OPENCLAW_MAX_PAYLOAD_BYTES = 26_214_400;
/** What the real gateway lets one socket hold: 50 MiB. Sluice coalesces text long before. */
export const OPENCLAW_MAX_BUFFERED_BYTES = 52_428_800;
/** Clients close with 4000 after twice this time without a frame. */
export const OPENCLAW_TICK_INTERVAL_MS = 30_000;
/** Base64 characters are counted after decoding: 18.6 MiB all together, 6 MiB an image. */
export const OPENCLAW_ATTACHMENTS = { maxBytes: 19_464_192, maxImageBytes: 6_291_456 } as const;

export const OPENCLAW_CLOSE = {
  notJson: { code: 1000, reason: "" },
  protocolMismatch: { code: 1002, reason: "protocol mismatch" },
  /** Failed authentication and invalid handshakes; the reason repeats the error's message. */
  policy: 1008,
  /** The device was removed, or its token revoked or rotated. */
  deviceRemoved: { code: 4001, reason: "device removed" },
} as const;

export const SCOPES = {
  read: "operator.read",
  write: "operator.write",
  admin: "operator.admin",
  approvals: "operator.approvals",
  questions: "operator.questions",
  pairing: "operator.pairing",
} as const;

export type Scope = (typeof SCOPES)[keyof typeof SCOPES];

/** Whether a scope is one that methods here need. */
export const isScope = (name: string): name is Scope => Object.values<string>(SCOPES).includes(name);

/** Declared by clients that show what happens inside a run. */
export const TOOL_EVENTS_CAP = "tool-events";

/** Top-level error codes of a response. */
export type OpenClawErrorCode = "INVALID_REQUEST" | "NOT_PAIRED" | "FORBIDDEN" | "UNAVAILABLE";
