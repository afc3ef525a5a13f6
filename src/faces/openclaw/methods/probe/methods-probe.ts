/** The method that tests a provider. It costs: one short request is sent and billed like any other. */
import { ModelsProbeParams } from "../../../../../protocol/openclaw/status-params.ts";
import { SCOPES } from "../../../../../protocol/openclaw/wire.ts";
import type { Model } from "../../../../core/dialect/routing.ts";
import { type GatewayError, toGatewayError } from "../../../../core/kernel/errors.ts";
import type { Call } from "../call.ts";
import { method } from "../method.ts";
import type { Services } from "../services.ts";

/** The real gateway's default and limits, in milliseconds. */
const TIMEOUT = { defaultMs: 20_000, minMs: 5_000, maxMs: 60_000 } as const;
/** The smallest limit that OpenAI's Responses API takes. Chat Completions sets none, since servers disagree on its name. */
const OUTPUT_TOKENS = 16;

type ProbeStatus = "ok" | "auth" | "rate_limit" | "billing" | "timeout" | "format" | "unknown";

function statusOf({ code, details }: GatewayError): ProbeStatus {
  const status = details?.status;
  if (status === 401 || status === 403) return "auth";
  if (status === 402) return "billing";
  if (code === "upstream_rate_limited" || code === "rate_limited") return "rate_limit";
  if (code === "upstream_timeout") return "timeout";
  if (status === 400 || status === 404 || status === 422) return "format";
  return "unknown";
}

async function tryModel(services: Services, model: Model, call: Call, timeoutMs: number) {
  const { route } = model;
  const { clock, answer } = services;
  const { caller, upstreamKey, id: connection } = call.client;
  const label = `${route.name} · ${model.alias}`;
  const body = route.dialect.conversation({
    messages: [{ role: "user", content: [{ type: "text", text: "Say ok." }] }],
  });
  const startedAt = clock.now();
  const latencyMs = () => Math.max(0, Math.round(clock.now() - startedAt));
  try {
    const request = { target: { route, model }, body: route.dialect.limited(body, OUTPUT_TOKENS) };
    await answer({ ...request, caller, upstreamKey, connection, receivedAt: call.receivedAt }, timeoutMs);
    return { label, status: "ok", latencyMs: latencyMs() } as const;
  } catch (thrown) {
    const error = toGatewayError(thrown);
    if (error.code === "internal") services.observer.fault(thrown, "openclaw models.probe");
    return { label, status: statusOf(error), latencyMs: latencyMs(), error: error.message };
  }
}

/** `models.probe`: asks the default model of a provider, or else its first one, to say a word. */
export const probeMethods = [
  method("models.probe", SCOPES.admin, ModelsProbeParams, async (services, params, call) => {
    const { catalog } = services;
    const models = catalog.models.filter(({ route }) => route.name === params.provider);
    const model = models.includes(catalog.default) ? catalog.default : models[0];
    const { provider } = params;
    if (!model) {
      const error = "No model of this provider is configured, or your key allows none.";
      return { provider, status: "no_model", error, results: [] };
    }
    const timeoutMs = Math.min(TIMEOUT.maxMs, Math.max(TIMEOUT.minMs, params.timeoutMs ?? TIMEOUT.defaultMs));
    const result = await tryModel(services, model, call, timeoutMs);
    const { label: _, ...outcome } = result;
    return { provider, ...outcome, results: [result] };
  }),
];
