import * as z from "zod";

// What the AI SDK sends (npm `ai` 7). Unknown parts and fields are ignored, because its applications add their own.

const providerMetadata = z.record(z.string(), z.record(z.string(), z.unknown())).optional();

/** A part of a message: the fields that are read, of any part. */
const UIPart = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  mediaType: z.string().optional(),
  url: z.string().optional(),
  filename: z.string().optional(),
  toolName: z.string().optional(),
  toolCallId: z.string().optional(),
  state: z.string().optional(),
  input: z.unknown().optional(),
  rawInput: z.unknown().optional(),
  output: z.unknown().optional(),
  errorText: z.string().optional(),
  providerExecuted: z.boolean().optional(),
  providerMetadata,
  callProviderMetadata: providerMetadata,
});

/** A message of a chat. */
export const UIMessage = z.looseObject({
  id: z.string(),
  role: z.enum(["system", "user", "assistant"]),
  parts: z.array(UIPart),
});

/** One piece of a message. */
export type UIPart = z.output<typeof UIPart>;
/** A message of a chat, as the AI SDK keeps it. */
export type UIMessage = z.output<typeof UIMessage>;
