import * as z from "zod";
import { GatewayError } from "../../../core/kernel/errors.ts";
import { isObject, parseRelayedJson } from "../../../core/kernel/json.ts";
import { UIMessage } from "../messages/ui-message.ts";

// What `WebSocketChatTransport` of npm `ai` 7 sends. Unknown fields are ignored: applications add their own.

const id = z.string().min(1).max(256);
const headers = z.record(z.string(), z.string());

const Tool = z.looseObject({
  name: z.string().min(1).max(128),
  description: z.string().optional(),
  parameters: z.record(z.string(), z.unknown()),
});

/** What an application says of its request, in the transport's or the call's `body`. */
const Body = z.looseObject({
  model: z.string().optional(),
  system: z.string().optional(),
  thinking: z.enum(["off", "low", "medium", "high"]).optional(),
  tools: z.array(Tool).max(256).optional(),
  /** Fields of the provider's own request, such as `max_tokens`. */
  options: z.record(z.string(), z.unknown()).optional(),
});

const ClientFrame = z.discriminatedUnion("type", [
  z.looseObject({
    type: z.literal("send"),
    requestId: id,
    id,
    trigger: z.enum(["submit-message", "regenerate-message"]),
    messages: z.array(UIMessage).min(1),
    headers,
    body: Body,
  }),
  z.looseObject({
    type: z.literal("resume"),
    requestId: id,
    id,
    lastSequence: z.int().min(0).optional(),
    headers,
  }),
  z.looseObject({ type: z.literal("abort"), requestId: id }),
]);

/** A frame of a client. */
export type ClientFrame = z.output<typeof ClientFrame>;
/** A request for an answer. */
export type SendFrame = Extract<ClientFrame, { type: "send" }>;
/** A request for an answer that was begun before. */
export type ResumeFrame = Extract<ClientFrame, { type: "resume" }>;

/** A text frame as far as it could be read. */
export interface ReadFrame {
  /** Named even if the rest is wrong, so that the refusal can be about it. */
  readonly requestId: string | undefined;
  readonly frame: ClientFrame | GatewayError;
}

/** Reads a text frame. The error (`bad_frame`) names the wrong field, never its value. */
export function readClientFrame(text: string): ReadFrame {
  const value = parseRelayedJson(text);
  const requestId = isObject(value) && typeof value.requestId === "string" ? value.requestId : undefined;
  const parsed = ClientFrame.safeParse(value);
  if (parsed.success) return { requestId, frame: parsed.data };
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "its top"}: ${message}`);
  return {
    requestId,
    frame: new GatewayError("bad_frame", `the frame is wrong at ${problems.join("; ").slice(0, 300)}`),
  };
}
