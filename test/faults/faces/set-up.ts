import { startTestGateway } from "../../support/gateways/gateway.ts";
import { FaceClient, type SocketFace } from "../../support/gateways/socket-faces.ts";
import { turnsUntil } from "../../support/jest/turns-until.ts";
import { startScriptedUpstream } from "../../support/upstreams/scripted-upstream.ts";

type Config = Record<string, unknown>;

/** A gateway over a scripted upstream, and a client of one of its faces. `config` may depend on the upstream's URL. */
export async function setUp(face: SocketFace, config: Config | ((upstream: string) => Config) = {}, token?: string) {
  await using made = new AsyncDisposableStack();
  const upstream = made.use(await startScriptedUpstream());
  const given = typeof config === "function" ? config(upstream.url) : config;
  const gateway = made.use(await startTestGateway({ upstream: upstream.url, config: given }));
  const client = made.use(await FaceClient.connect(face, gateway.url, token));
  const stack = made.move();
  const lines = () => gateway.log.lines.filter(({ event }) => event === "stream");
  return {
    upstream,
    gateway,
    client,
    connect: async () => stack.use(await FaceClient.connect(face, gateway.url, token)),
    /** The log's lines of ended streams. */
    lines,
    /** Resolves once that many streams have ended, with the last one's line. */
    async line(count = 1) {
      await turnsUntil(() => lines().length >= count);
      return lines()[count - 1];
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
