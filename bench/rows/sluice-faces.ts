import type { Row } from "./row.ts";
import { sluice } from "./sluice.ts";

/** They are compared with the stream face over the same payload, in these scenarios only. */
const common = { detail: true, version: sluice.version, scenarios: ["relay", "ttft"] } as const;

/** This gateway's other WebSocket faces, the same relay with other frames; and the stream face read by `sluice/client`. */
export const sluiceFaces: readonly Row[] = [
  {
    ...common,
    name: "sluice-client",
    what: "this gateway's stream face read by sluice/client, with acknowledgements",
    protocol: "sluice-client",
    async start(upstreamPort, cpus) {
      const { target, ...rest } = await sluice.start(upstreamPort, cpus);
      return { target: { ...target, protocol: "sluice-client" }, ...rest };
    },
  },
  {
    ...common,
    name: "sluice-responses",
    what: "this gateway's Responses API over WebSocket",
    protocol: "responses",
    apis: ["responses"],
    async start(upstreamPort, cpus) {
      const { target, ...rest } = await sluice.start(upstreamPort, cpus);
      const { host } = new URL(target.url);
      return { target: { protocol: "responses", url: `ws://${host}/v1/responses`, model: "bench-responses" }, ...rest };
    },
  },
  {
    ...common,
    name: "sluice-ai-sdk",
    what: "this gateway's chat for the AI SDK",
    protocol: "ai-sdk",
    async start(upstreamPort, cpus) {
      const { target, ...rest } = await sluice.start(upstreamPort, cpus);
      const { host } = new URL(target.url);
      const [messages, responses] = [{ model: "bench-messages" }, { model: "bench-responses" }];
      return { target: { protocol: "ai-sdk", url: `ws://${host}/v1/chat`, messages, responses }, ...rest };
    },
  },
];
