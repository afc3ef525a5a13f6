import { parseArgs } from "node:util";
import { loadConfig } from "../../config/load.ts";
import { isWildcard } from "../../config/loopback.ts";
import { asObject, asString } from "../../core/kernel/json.ts";
import { TARGETS_PATH, type TargetView } from "../../core/targets/target-views.ts";
import { exitFor, OK } from "../exit-codes.ts";
import { layOut } from "./lay-out.ts";

/** The outside world as the command sees it. */
export interface RoutesWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

const USAGE = `Usage: sluice routes [options]     what the models of the running gateway run on, and how well

  --url <url>        the gateway (default: where the configuration listens)
  --json             print JSON
  --config <path>    the configuration (SLUICE_CONFIG)
  -h, --help         print this help

The token is auth.token or SLUICE_TOKEN: the gateway's own, or a key with the scope admin.
FIRST is the time from a stream's open to its first content, of the newest 128 answers.

Examples
  sluice routes
  SLUICE_TOKEN=… sluice routes --url https://gateway.example.com/sluice --json
`;

export const OPTIONS = {
  url: { type: "string" },
  json: { type: "boolean" },
  config: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** How long the gateway may take to answer, in milliseconds. */
const ANSWER_MS = 10_000;

/** Runs `sluice routes`. Resolves with the exit code; never rejects. */
export async function runRoutes(args: readonly string[], world: RoutesWorld): Promise<number> {
  const { stdout, stderr } = world;
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    if (values.help) stdout.write(USAGE);
    else {
      const body = await ask(values, world);
      stdout.write(values.json ? `${JSON.stringify(body, undefined, 2)}\n` : routesTable(body.targets));
    }
    return OK;
  } catch (error) {
    return exitFor(error, stderr);
  }
}

async function ask(
  { url, config: file }: { readonly url?: string; readonly config?: string },
  { env, cwd }: RoutesWorld,
): Promise<{ readonly targets: readonly TargetView[] }> {
  const config = loadConfig({ env: { ...env, ...(file !== undefined && { SLUICE_CONFIG: file }) }, cwd });
  const { host, port, basePath } = config.listen;
  const name = isWildcard(host) ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
  const base = (url ?? `http://${name}:${port}${basePath}`).replace(/\/+$/, "");
  const token = config.auth.token?.reveal();
  let response: Response;
  try {
    response = await fetch(`${base}${TARGETS_PATH}`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
  } catch (cause) {
    throw new Error(`no gateway answers at ${base}; start one, or say where it is with --url`, { cause });
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.status === 200) return body as { readonly targets: readonly TargetView[] };
  const said = asString(asObject(asObject(body)?.error)?.message) ?? "no reason given";
  throw new Error(`the gateway at ${base} refuses with ${response.status}: ${said}`);
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
  ]);
  return layOut([head, ...rows]);
}
