import type { Row } from "./row.ts";
import { sluice } from "./sluice.ts";

/** This gateway's HTTP API: the same relay, another face. */
export const sluiceHttp: Row = {
  name: "sluice-http",
  what: "this gateway's chat completions, SSE to SSE",
  protocol: "sse",
  detail: true,
  version: sluice.version,
  async start(upstreamPort, cpus) {
    const { target, ...rest } = await sluice.start(upstreamPort, cpus);
    const { host } = new URL(target.url);
    const messages = { url: `http://${host}/v1/messages`, model: "bench-messages" };
    const responses = { url: `http://${host}/v1/responses`, model: "bench-responses" };
    return { target: { protocol: "sse", url: `http://${host}/v1/chat/completions`, messages, responses }, ...rest };
  },
};
