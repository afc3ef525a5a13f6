import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { asArray, asNumber, asString } from "../../core/kernel/json.ts";
import type { Command, CommandWorld } from "../command.ts";
import { exitFor, OK } from "../exit-codes.ts";
import { isWanted, LEVELS, type LogFilter, parseLine, readableLine } from "../logs/log-filter.ts";
import { LinkLost, LogSocket, NotServing } from "../logs/log-socket.ts";
import { type GatewayAddress, gatewayOf } from "./gateway-call.ts";

/** The part of the outside world that the command uses. */
export type LogsWorld = Pick<CommandWorld, "env" | "cwd" | "version" | "stdout" | "stderr">;

const USAGE = `Usage: sluice logs [options]     the newest lines of a running gateway's log

  -f, --follow       go on with new lines until Ctrl+C, also across restarts of the gateway
  --stream <id>      only lines about this stream
  --key <caller>     only lines about the caller of a key
  --failed           only streams that failed, and attempts that were left for another target
  --level <level>    this level and above: ${LEVELS.join(", ")}
  --json             print the lines as JSON
  --url <url>        the gateway (default: where the configuration listens)
  --config <path>    the configuration (SLUICE_CONFIG)
  -h, --help         print this help

The token is auth.token or SLUICE_TOKEN: the gateway's own, or a key with the scopes chat and logs, or admin.
The gateway keeps 1 MiB of lines, of the levels that log.level writes.

Examples
  sluice logs --follow --failed
  sluice logs --key ci --level warn
`;

const OPTIONS = {
  follow: { type: "boolean", short: "f" },
  stream: { type: "string" },
  key: { type: "string" },
  failed: { type: "boolean" },
  level: { type: "string" },
  json: { type: "boolean" },
  url: { type: "string" },
  config: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Between two looks for new lines, and two attempts to connect, in milliseconds. */
const LOOK_MS = 1_000;
/** How long a gateway that serves nobody may take to serve again. */
const SERVING_MS = 30_000;
/** The most that OpenClaw's `logs.tail` gives at once. */
const AT_ONCE = { limit: 5_000, maxBytes: 1_000_000 };

/** Runs `sluice logs`. Resolves with the exit code; never rejects. */
export async function runLogs(args: readonly string[], world: LogsWorld): Promise<number> {
  const { stdout, stderr } = world;
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    if (values.help) {
      stdout.write(USAGE);
      return OK;
    }
    const level = LEVELS.find((one) => one === values.level);
    if (values.level !== undefined && !level) throw new Error(`--level is one of ${LEVELS.join(", ")}`);
    const show = printer({ ...values, level }, values.json === true, world);
    const gateway = gatewayOf(values, world);
    if (values.follow) await follow(gateway, show, world);
    else {
      using link = await connect(gateway, world);
      await readOn(link, undefined, show);
    }
    return OK;
  } catch (error) {
    return exitFor(error, stderr);
  }
}

/** `sluice logs`. */
export const command: Command = { run: runLogs, options: OPTIONS };

const printer =
  (filter: LogFilter, isJson: boolean, { stdout }: LogsWorld) =>
  (text: string): void => {
    const line = parseLine(text);
    if (line && isWanted(line, filter)) stdout.write(`${isJson ? text : readableLine(line)}\n`);
  };

/** Connects. A gateway that lives, but serves nobody now, is given half a minute: another node of its cluster may lead soon. */
async function connect({ base, token }: GatewayAddress, { stderr, version }: LogsWorld): Promise<LogSocket> {
  const until = performance.now() + SERVING_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await LogSocket.open(base, token, version);
    } catch (error) {
      if (!(error instanceof NotServing) || performance.now() > until) throw error;
      if (attempt === 1) stderr.write(`sluice: ${error.message}; trying again\n`);
      await setTimeout(LOOK_MS);
    }
  }
}

/** Shows what is new since the cursor; returns the next one. */
async function readOn(link: LogSocket, cursor: number | undefined, show: (line: string) => void) {
  const tail = await link.request("logs.tail", { ...AT_ONCE, ...(cursor !== undefined && { cursor }) });
  for (const line of asArray(tail.lines)) show(asString(line) ?? "");
  return asNumber(tail.cursor);
}

/** Goes on until the process ends. Rejects if the gateway refuses, or if there was none at the start. */
async function follow(gateway: GatewayAddress, show: (line: string) => void, world: LogsWorld) {
  const { stderr } = world;
  let cursor: number | undefined;
  let isLost = false;
  let wasThere = false;
  for (;;) {
    try {
      using link = await connect(gateway, world);
      if (isLost) stderr.write("sluice: connected again\n");
      isLost = false;
      wasThere = true;
      // A restarted gateway does not know the cursor, and gives everything it has written since.
      for (;;) {
        cursor = await readOn(link, cursor, show);
        await setTimeout(LOOK_MS);
      }
    } catch (error) {
      if (!(error instanceof LinkLost) || !wasThere) throw error;
      if (!isLost) stderr.write("sluice: the connection to the gateway was lost; trying again\n");
      isLost = true;
      await setTimeout(LOOK_MS);
    }
  }
}
