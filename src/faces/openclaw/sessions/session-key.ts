import { GatewayError } from "../../../core/kernel/errors.ts";

/** The one agent of this gateway, under OpenClaw's default id. */
export const AGENT_ID = "main";
/** The short name of the main session. */
export const MAIN_KEY = "main";
/** Its full key. */
export const MAIN_SESSION_KEY = `agent:${AGENT_ID}:${MAIN_KEY}`;

/**
 * The canonical form `agent:<agent>:<rest>` of a key: `main`, `agent:MAIN:main` and `agent:main:main` name one session.
 * Throws `bad_request` for an unknown agent.
 */
export function canonicalKey(key: string, agentId: string | undefined = undefined): string {
  if (agentId !== undefined) knownAgent(agentId);
  const [, agent, rest] = /^agent:([^:]+):(.+)$/i.exec(key.trim()) ?? [];
  if (agent !== undefined && rest !== undefined) return `agent:${knownAgent(agent)}:${rest}`;
  const short = key.trim();
  if (short === "" || /^agent:/i.test(short)) throw new GatewayError("bad_request", "invalid session key");
  return `agent:${AGENT_ID}:${short.toLowerCase() === MAIN_KEY ? MAIN_KEY : short}`;
}

function knownAgent(agentId: string): string {
  if (agentId.trim().toLowerCase() !== AGENT_ID) throw new GatewayError("bad_request", "unknown agent id");
  return AGENT_ID;
}
