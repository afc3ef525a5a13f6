import { runKeys } from "../../../src/cli/commands/keys/keys.ts";
import { isObject } from "../../../src/core/kernel/json.ts";
import { turnsUntil } from "../jest/turns-until.ts";
import { runCommand } from "../openclaw/command-world.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";

export interface KeyedGateway extends TestGateway {
  /** `sluice keys …` on this gateway's data directory, over its own connection; returns what `--json` prints. */
  keys(...args: readonly string[]): Promise<Record<string, unknown>>;
  /** Creates a key before or while the gateway runs, waits until it is valid, and returns its secret. */
  makeKey(...args: readonly string[]): Promise<string>;
}

/** The real gateway on a data directory whose keys are changed from outside, as an operator does. */
export async function startKeyedGateway(
  directory: string,
  upstream?: string,
  config: Record<string, unknown> = {},
): Promise<KeyedGateway> {
  const { limits, ...rest } = config;
  const gateway = await startTestGateway({
    ...(upstream !== undefined && { upstream }),
    config: {
      data: { store: "sqlite", directory },
      auth: { required: true },
      // Waiting for a key means polling.
      limits: { requests: { authFailuresPerMinute: 10_000 }, ...(limits as object | undefined) },
      ...rest,
    },
  });
  const keys = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await runCommand(runKeys, [...args, "--json", "--data", directory]);
    if (code !== 0) throw new Error(stderr);
    const printed: unknown = JSON.parse(stdout);
    return isObject(printed) ? printed : {};
  };
  return Object.assign(gateway, {
    keys,
    async makeKey(...args: readonly string[]) {
      const secret = String((await keys("create", ...args)).secret);
      await untilKnown(gateway.url, secret);
      return secret;
    },
  });
}

/** Resolves once the gateway knows the secret, whatever it allows. */
export async function untilKnown(url: string, secret: string): Promise<void> {
  const headers = { authorization: `Bearer ${secret}` };
  await turnsUntil(async () => {
    const answer = await fetch(`${url}/v1/streams/none/cancel`, { method: "POST", headers });
    await answer.text();
    return answer.status !== 401;
  });
}
