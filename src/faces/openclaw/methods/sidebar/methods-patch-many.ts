/** The method that changes many sessions at once: archive, pin, mark as read, put into a group. */
import { SessionsPatchManyParams } from "../../../../../protocol/openclaw/session-params.ts";
import { SCOPES } from "../../../../../protocol/openclaw/wire.ts";
import { GatewayError, toGatewayError } from "../../../../core/kernel/errors.ts";
import { toErrorShape } from "../../clients/errors.ts";
import { canonicalKey } from "../../sessions/session-key.ts";
import { method } from "../method.ts";
import { patchSession, type SessionPatch } from "../methods-session-changes.ts";
import type { Services } from "../services.ts";

/** Unlike `sessions.patch` it makes no session: one that is gone is not brought back by a selection in a list. */
async function patchOne(services: Services, params: SessionPatch): Promise<void> {
  if (!services.sessions.get(canonicalKey(params.key, params.agentId))) throw new GatewayError("unknown_session");
  await patchSession(services, params);
}

/** `sessions.patchMany`: one outcome for each target, in their order; a refused one leaves the others as they are. */
export const patchManyMethods = [
  method("sessions.patchMany", SCOPES.write, SessionsPatchManyParams, async (services, { targets, patch }) => {
    const keys = new Set(targets.map(({ key, agentId }) => canonicalKey(key, agentId)));
    if (keys.size < targets.length) throw new GatewayError("bad_request", "Duplicate target.");
    const outcomes: object[] = [];
    for (const target of targets) {
      const { key, agentId } = target;
      const identity = { key, ...(agentId !== undefined && { agentId }) };
      try {
        await patchOne(services, { ...patch, ...target });
        outcomes.push({ ok: true, ...identity });
      } catch (thrown) {
        const error = toGatewayError(thrown);
        if (error.code === "internal") services.observer.fault(thrown, "openclaw sessions.patchMany");
        outcomes.push({ ok: false, ...identity, error: toErrorShape(error) });
      }
    }
    return { outcomes };
  }),
];
