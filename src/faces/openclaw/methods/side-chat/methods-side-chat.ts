/** The methods of the side chat: questions about a session beside its conversation. */
import { SideChatAskParams, SideChatParams } from "../../../../../protocol/openclaw/side-chat-params.ts";
import { SCOPES } from "../../../../../protocol/openclaw/wire.ts";
import { GatewayError, toGatewayError } from "../../../../core/kernel/errors.ts";
import { toErrorShape } from "../../clients/errors.ts";
import { canonicalKey } from "../../sessions/session-key.ts";
import { modelOf } from "../../sessions/session-row.ts";
import { ANSWERED, type Method, method } from "../method.ts";

/** The page shows its own words for these two, found by the details that the real gateway sends. */
const BUSY = { code: "SESSION_COMPANION_BUSY" };
const MISSING = { reason: "session-missing" };

/** `sessions.companion.*`. Asking needs `read`, as in the real gateway, and the caller's key must allow `chat`: it pays. */
export const sideChatMethods: readonly Method[] = [
  method("sessions.companion.ask", SCOPES.read, SideChatAskParams, async (services, params, call) => {
    const { sideChats, sessions, catalog } = services;
    const key = canonicalKey(params.sessionKey, params.agentId);
    const session = await sessions.open(key);
    if (!session) {
      call.refuse(toErrorShape(new GatewayError("unknown_session"), MISSING));
      return ANSWERED;
    }
    if (sideChats.isBusy(key)) {
      const busy = new GatewayError("overloaded", "Side chat is answering another question.", { retryable: true });
      call.refuse(toErrorShape(busy, BUSY));
      return ANSWERED;
    }
    const { caller, upstreamKey, id: connection } = call.client;
    const { receivedAt } = call;
    const question = params.question.trim();
    const model = modelOf(session, catalog);
    try {
      const asked = { session, question, model, caller, upstreamKey, connection, receivedAt };
      const { answer, ts } = await sideChats.ask(asked);
      return { answer, ts };
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (error.code !== "rate_limited") throw error;
      call.refuse(toErrorShape(error, { reason: "rate-limited" }));
      return ANSWERED;
    }
  }),

  method("sessions.companion.state", SCOPES.read, SideChatParams, ({ sessions, sideChats }, params) => ({
    exchanges: sideChats.exchanges(sessions.get(canonicalKey(params.sessionKey, params.agentId))),
  })),

  method("sessions.companion.reset", SCOPES.write, SideChatParams, ({ sideChats }, params) => {
    sideChats.reset(canonicalKey(params.sessionKey, params.agentId));
    return { ok: true };
  }),
];
