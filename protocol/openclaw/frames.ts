/** What clients send before any method: the frame around a request, and the parameters of `connect`. */
import * as z from "zod";
import { closed, list, text } from "./closed.ts";

/** Extra properties are ignored: newer clients may know more. */
export const RequestFrame = z.object({
  type: z.literal("req"),
  id: text,
  method: text,
  params: z.unknown().optional().describe("absent means {}"),
});

export type RequestFrame = z.infer<typeof RequestFrame>;

/** Capabilities or scopes; OpenClaw has a dozen of each. */
const MAX_NAMES = 64;

const protocolVersion = z.int().min(1);

/** Client ids and modes are open here: only a real gateway insists on its list. */
export const ConnectParams = closed(
  {
    minProtocol: protocolVersion,
    maxProtocol: protocolVersion,
    client: closed(
      {
        id: text,
        version: text,
        platform: text,
        mode: text,
        instanceId: text.optional(),
        displayName: text.optional(),
        deviceFamily: z.string().optional(),
      },
      "buildId modelIdentifier timeZone",
    ),
    caps: list(z.string(), MAX_NAMES).optional(),
    role: text.optional(),
    scopes: list(z.string(), MAX_NAMES).optional(),
    auth: closed(
      {
        token: z.string().optional(),
        password: z.string().optional(),
        deviceToken: z.string().optional(),
        bootstrapToken: z.string().optional(),
      },
      "approvalRuntimeToken agentRuntimeIdentityToken",
    ).optional(),
    device: closed({
      id: z.string().max(256),
      publicKey: z.string().max(1024),
      signature: z.string().max(1024),
      signedAt: z.int(),
      nonce: z.string().max(256),
    }).optional(),
  },
  "commands computerUse workerRuns permissions pathEnv modelCatalog locale userAgent",
);

export type ConnectParams = z.infer<typeof ConnectParams>;

/** The `error` of a response: without a code and a message, clients drop the whole response. */
export interface ErrorShape {
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}
