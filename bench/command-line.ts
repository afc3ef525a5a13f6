import { parseArgs } from "node:util";
import { DEFAULT_PLAN } from "./payload/plan.ts";
import { isPayloadName, PAYLOAD_NAMES, type PayloadName } from "./payload/shape.ts";
import type { TargetOptions } from "./rows/target.ts";
import { CPUS, type Cpus } from "./runner/placement.ts";
import type { Settings } from "./scenarios/scenario.ts";

export interface BenchCommand {
  /** Names of scenarios; none for all. */
  readonly scenarios: readonly string[];
  readonly settings: Settings;
  /** Names of rows; none for all available ones. */
  readonly rows: readonly string[];
  readonly target: TargetOptions | undefined;
  readonly upstreamPort: number;
  readonly json: string | undefined;
  readonly html: string | undefined;
}

export const USAGE = `Usage: npm run bench -- [scenario …] [options]
       npm run bench -- compare <before.json> <after.json>
       npm run bench -- report <results.json> <report.html>
       npm run bench -- markdown <results.json>
       npm run bench -- plot <results.json> <plot.svg>
       npm run bench -- fetch [peer …]

Scenarios: ttft relay throughput unthrottled cold start payloads multiplex backpressure http memory cancel chat aims
Without one: a survey of all scenarios with fewer points and runs, in minutes.

  --runs <n>             runs of each row at each point (5; survey 3)
  --duration <seconds>   length of the measured window (3; survey 1)
  --rows <a,b,…>         rows to measure (default: all available)
  --streams <n>          a single point with this many streams instead of the scenario's own
  --rate <n>             events per second of each stream (50)
  --payload <name>       how events look: ${PAYLOAD_NAMES.join(" ")} (${DEFAULT_PLAN.payload})
  --json <file>          results, all runs and percentiles
  --html <file>          a report with plots, in one file
  --cpus <which>         what gateways get: core (one, by affinity), container (one, by a control group), all (core)

A gateway of your own, beside the row direct (its upstream must be http://127.0.0.1:<upstream port>):
  --target <url>         ws://… speaks sluice.v1, http://… answers chat completions in SSE
  --upstream-port <n>    where the scripted upstream listens (with --target 9900)
  --model, --route       the model or route to request
  --header <text>        'Name: value' to send; may be repeated
  --pid <n>              its process, for CPU and memory
`;

const OPTIONS = {
  runs: { type: "string" },
  streams: { type: "string" },
  rate: { type: "string" },
  duration: { type: "string" },
  payload: { type: "string" },
  cpus: { type: "string" },
  rows: { type: "string" },
  json: { type: "string" },
  html: { type: "string" },
  target: { type: "string" },
  "upstream-port": { type: "string" },
  model: { type: "string" },
  route: { type: "string" },
  header: { type: "string", multiple: true },
  pid: { type: "string" },
} as const;

const RUNS = 5;
/** A survey of everything that takes minutes. */
const SURVEY_RUNS = 3;
const SECONDS = 3;
const SURVEY_SECONDS = 1;

/** A fixed port, for gateways configured before the benchmark started. */
const TARGET_UPSTREAM_PORT = 9900;

/** Parses a measurement's arguments. Throws on unknown ones. */
export function readBenchCommand(args: readonly string[]): BenchCommand {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  const { target, model, route, header } = values;
  const scenarios = positionals.filter((name) => name !== "all");
  const survey = scenarios.length === 0;
  return {
    scenarios,
    settings: {
      survey,
      runs: optional("runs", values.runs) ?? (survey ? SURVEY_RUNS : RUNS),
      windowMs: (optional("duration", values.duration) ?? (survey ? SURVEY_SECONDS : SECONDS)) * 1000,
      streams: optional("streams", values.streams),
      rate: optional("rate", values.rate),
      cpus: cpusNamed(values.cpus ?? CPUS[0]),
      payload: payloadNamed(values.payload ?? DEFAULT_PLAN.payload),
    },
    rows: values.rows?.split(",") ?? [],
    target:
      target === undefined
        ? undefined
        : { url: target, headers: header ?? [], model, route, pid: optional("pid", values.pid) },
    upstreamPort:
      optional("upstream-port", values["upstream-port"]) ?? (target === undefined ? 0 : TARGET_UPSTREAM_PORT),
    json: values.json,
    html: values.html,
  };
}

function payloadNamed(name: string): PayloadName {
  if (!isPayloadName(name)) throw new Error(`there is no payload ${name}: ${PAYLOAD_NAMES.join(", ")}`);
  return name;
}

function cpusNamed(name: string): Cpus {
  const found = CPUS.find((cpus) => cpus === name);
  if (!found) throw new Error(`--cpus takes one of ${CPUS.join(", ")}`);
  return found;
}

const optional = (name: string, text: string | undefined): number | undefined =>
  text === undefined ? undefined : positive(name, text);

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} takes a number above 0`);
  return value;
}
