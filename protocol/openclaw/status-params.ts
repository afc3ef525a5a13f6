/** Parameters of the methods that ask what there is. */
import * as z from "zod";
import { closed, count, text } from "./closed.ts";

export const NoParams = closed({});

export const LogsTailParams = closed({
  cursor: count.optional(),
  limit: z.int().min(1).max(5_000).optional(),
  maxBytes: z.int().min(1).max(1_000_000).optional(),
});

export const ModelsListParams = closed(
  { provider: z.string().optional() },
  "view agentId sessionKey authProfileId includeDetails includeProviderCapabilities includeDefaultModels preparedOnly refresh",
);

export const CommandsListParams = closed({}, "sessionKey agentId provider scope includeArgs");
export const ModelsAuthStatusParams = closed({}, "refresh agentId");
export const AgentIdentityParams = closed({ agentId: text.optional(), sessionKey: z.string().optional() });
export const StatusParams = closed({}, "includeChannelSummary");
export const HealthParams = closed({}, "probe includeSensitive");

/** Questions about features this gateway does not have: the answer is the same whatever is asked. */
export const AnyParams = z.looseObject({});

export const ModelsProbeParams = closed(
  { provider: text, profileId: text.optional(), timeoutMs: z.int().min(1).optional() },
  "agentId",
);
