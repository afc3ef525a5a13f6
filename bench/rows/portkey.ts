import { entryOf, missingPeer, PORTKEY, versionOf } from "../peers/peer.ts";
import { startGateway } from "../runner/child.ts";
import { freePort } from "./free-port.ts";
import type { Row } from "./row.ts";

/** Portkey's AI gateway, SSE to SSE: it has no WebSocket face for this. */
export const portkey: Row = {
  name: "portkey",
  what: "Portkey's AI gateway, SSE to SSE",
  protocol: "sse",
  // Its messages API translates to the provider's; that is another job than this one.
  apis: ["chat"],
  version: () => versionOf(PORTKEY),
  missing: () => missingPeer(PORTKEY),
  async start(upstreamPort, cpus) {
    const port = await freePort();
    const { pid, started, stop } = await startGateway(cpus, {
      command: process.execPath,
      args: [entryOf(PORTKEY), `--port=${port}`, "--headless"],
      ready: /Ready for connections/,
    });
    return {
      target: {
        protocol: "sse",
        url: `http://127.0.0.1:${port}/v1/chat/completions`,
        headers: {
          authorization: "Bearer bench",
          "x-portkey-provider": "openai",
          "x-portkey-custom-host": `http://127.0.0.1:${upstreamPort}/v1`,
        },
      },
      started,
      pids: [pid],
      stop,
    };
  },
};
