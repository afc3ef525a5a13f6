import { parseArgs } from "node:util";
import { sanitise } from "../../core/kernel/sanitise.ts";
import { TARGETS_PATH, type TargetView } from "../../core/targets/target-views.ts";
import type { Command, CommandWorld } from "../command.ts";
import { exitFor, OK } from "../exit-codes.ts";
import { askGateway, type GatewayOptions, gatewayOf } from "./gateway-call.ts";
import { layOut } from "./lay-out.ts";

/** The part of the outside world that the command uses. */
export type RoutesWorld = Pick<CommandWorld, "env" | "cwd" | "stdout" | "stderr">;

const USAGE = `Usage: sluice routes [options]     what the models of the running gateway run on, and how well

  --url <url>        the gateway (default: where the configuration listens)
  --json             print JSON
  --config <path>    the configuration (SLUICE_CONFIG)
  -h, --help         print this help

The token is auth.token or SLUICE_TOKEN: the gateway's own, or a key with the scope admin.
FIRST is the time from a stream's open to its first content, of the newest 128 answers.
In a cluster each node has figures of its own, and shows those.

Examples
  sluice routes
  SLUICE_TOKEN=… sluice routes --url https://gateway.example.com/sluice --json
`;

const OPTIONS = {
  url: { type: "string" },
  json: { type: "boolean" },
  config: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Runs `sluice routes`. Resolves with the exit code; never rejects. */
export async function runRoutes(args: readonly string[], world: RoutesWorld): Promise<number> {
  const { stdout, stderr } = world;
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    if (values.help) stdout.write(USAGE);
    else {
      const body = await ask(values, world);
      stdout.write(values.json ? `${JSON.stringify(body, undefined, 2)}\n` : routesTable(body.targets));
      if (body.node !== undefined) {
        stderr.write(`sluice: these are the figures of the node ${sanitise(body.node)}; each has its own\n`);
      }
    }
    return OK;
  } catch (error) {
    return exitFor(error, stderr);
  }
}

/** `sluice routes`. */
export const command: Command = { run: runRoutes, options: OPTIONS };

/** What the gateway says of its targets, and, in a cluster, which node says so. */
interface Targets {
  readonly targets: readonly TargetView[];
  readonly node?: string;
}

async function ask(values: GatewayOptions, world: RoutesWorld): Promise<Targets> {
  return (await askGateway(gatewayOf(values, world), TARGETS_PATH)) as Targets;
}

/** A readable table, a line for each target. */
export function routesTable(targets: readonly TargetView[]): string {
  const head = [
    "MODEL",
    "ROUTE",
    "TARGET",
    "STATE",
    "RUNNING",
    "ANSWERED",
    "FAILED",
    "FIRST P50",
    "P95",
    "LAST FAILURE",
    "LAST PROBE",
  ];
  const ms = (value: number | undefined) => (value === undefined ? "-" : `${Math.round(value)} ms`);
  const rows = targets.map((one) => [
    one.model,
    one.route,
    one.upstreamModel,
    one.waitMs > 0 ? `${one.state}, ${Math.ceil(one.waitMs / 1_000)} s` : one.state,
    String(one.running ?? "-"),
    String(one.answered),
    String(one.failed),
    ms(one.firstContentMs?.p50),
    ms(one.firstContentMs?.p95),
    one.lastFailure ? `${one.lastFailure.code} ${new Date(one.lastFailure.at).toISOString()}` : "-",
    one.lastProbe ? `${one.lastProbe.code ?? "ok"} ${new Date(one.lastProbe.at).toISOString()}` : "-",
  ]);
  return layOut([head, ...rows]);
}
