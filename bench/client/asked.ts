import { type Plan, writePlan } from "../payload/plan.ts";
import { type Api, shapeOf } from "../payload/shape.ts";
import type { Target } from "./job.ts";

/** What Anthropic's API demands in each request; the scripted upstream heeds its plan instead. */
const MAX_TOKENS = 4096;

/** The target of a plan's API. */
export function targetFor(target: Target, { payload }: Plan): Target & { readonly api: Api } {
  const { api } = shapeOf(payload);
  return { ...target, ...(api !== "chat" && target[api]), api };
}

/** A request's body in the plan's API, without model. */
export function bodyFor(plan: Plan): Record<string, unknown> {
  const { api } = shapeOf(plan.payload);
  if (api === "responses") return { input: writePlan(plan) };
  const messages = [{ role: "user", content: writePlan(plan) }];
  return { messages, ...(api === "messages" && { max_tokens: MAX_TOKENS }) };
}
