import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runKeys } from "../../../src/cli/commands/keys/keys.ts";
import { StreamClient } from "../clients/stream-client.ts";
import { runCommand } from "../openclaw/command-world.ts";
import { messagesOf } from "./capped-caller.ts";
import type { CappedKey, CappedRig } from "./capped-rig.ts";
import type { FleetNode } from "./fleet.ts";

/** Far longer than any trial. */
const ENDLESS = { promptTokens: 60, outputTokens: 1_000_000, tokensPerEvent: 1, paceMs: 50 };

/** A socket of a key with a running stream. */
export interface HeldSocket {
  readonly node: FleetNode;
  /** When it was closed, by the process's own clock in milliseconds, and with which code. */
  readonly closed: Promise<{ readonly at: number; readonly code: number }>;
}

/** Opens so many sockets on each node, each with a stream that has begun. */
export function holdSockets({ rig }: CappedRig, key: CappedKey, each: number): Promise<readonly HeldSocket[]> {
  const open = async (node: FleetNode, name: string): Promise<HeldSocket> => {
    const client = await (await StreamClient.connect(node.url, { token: key.secret })).hello();
    const body = { messages: messagesOf({ ...ENDLESS, key: name }) };
    client.send({ type: "open", id: "a", model: "gpt", flow: "none", body });
    await client.take((frame) => frame.type === "event");
    return { node, closed: client.closed.then(({ code }) => ({ at: performance.now(), code })) };
  };
  const all = rig.fleet.nodes.flatMap((node) =>
    Array.from({ length: each }, (_, at) => open(node, `${key.name}.${node.name}.${at}`)),
  );
  return Promise.all(all);
}

/** `sluice keys revoke` on a machine from which everything can be reached. Resolves with its exit code. */
export async function revoke({ rig: { redis, postgres, fleet } }: CappedRig, name: string): Promise<number> {
  const cwd = mkdtempSync(join(tmpdir(), "sluice-"));
  const file = join(cwd, "sluice.config.json");
  const config = {
    demo: true,
    data: { store: "postgres", postgres: { url: postgres.url, schema: fleet.schema } },
    cluster: { redis: { url: redis.url } },
  };
  writeFileSync(file, JSON.stringify(config));
  try {
    return (await runCommand(runKeys, ["revoke", name, "--json", "--config", file], { cwd })).code;
  } finally {
    rmSync(cwd, { recursive: true });
  }
}
