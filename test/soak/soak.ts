/** `npm run soak`: tests too long for every run. Prints figures and exits with 1 on any fault. */
import { appendFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import manifest from "../../package.json" with { type: "json" };
import { forwarderGone } from "../../src/cli/parent.ts";
import { bill } from "./bill.ts";
import { clusterCapsAtOnce } from "./cluster/caps-at-once.ts";
import { clusterCapsCallers } from "./cluster/caps-callers.ts";
import { clusterCapsOversized } from "./cluster/caps-oversized.ts";
import { clusterFreezes } from "./cluster/freezes.ts";
import { clusterKilledLeaders } from "./cluster/killed-leaders.ts";
import { clusterKills } from "./cluster/kills.ts";
import { clusterPostgresAway } from "./cluster/postgres-away.ts";
import { clusterRedisFaults } from "./cluster/redis-faults.ts";
import { clusterRevocations } from "./cluster/revocations.ts";
import { clusterSlowRedis } from "./cluster/slow-redis.ts";
import { clusterStops } from "./cluster/stops.ts";
import { faces } from "./faces.ts";
import { grace } from "./grace.ts";
import { killed } from "./killed.ts";
import { killedChats } from "./killed-chats.ts";
import { ledgerKills } from "./ledger-kills.ts";
import { mixedReaders } from "./mixed-readers.ts";
import { lineFor, passes, type Scenario } from "./report.ts";
import { sockets } from "./sockets/sockets.ts";
import { stalledReaders } from "./stalled-readers.ts";
import { survival } from "./survival.ts";

const SCENARIOS: readonly Scenario[] = [
  survival,
  faces,
  sockets,
  killed,
  killedChats,
  grace,
  mixedReaders,
  stalledReaders,
  ledgerKills,
  bill,
  clusterKills,
  clusterStops,
  clusterFreezes,
  ...clusterRedisFaults,
  clusterSlowRedis,
  clusterPostgresAway,
  clusterCapsAtOnce,
  clusterCapsOversized,
  ...clusterCapsCallers,
  clusterRevocations,
  clusterKilledLeaders,
];

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "10000000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    only: { type: "string", multiple: true },
    kills: { type: "string" },
    streams: { type: "string" },
    "half-seconds": { type: "string" },
    minutes: { type: "string", default: "120" },
    json: { type: "string" },
  },
});
const count = (text: string | undefined) => (text === undefined ? undefined : Number(text));
const options = {
  events: Number(values.events),
  seed: Number(values.seed),
  kills: count(values.kills),
  streams: count(values.streams),
  halfSeconds: count(values["half-seconds"]),
};
const chosen = SCENARIOS.filter(
  ({ name }) => values.only?.some((each) => name === each || name.startsWith(`${each}:`)) ?? true,
);
if (chosen.length === 0 || !(options.events > 0)) {
  console.error(`scenarios: ${SCENARIOS.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

const deadline = setTimeout(() => {
  console.error(`not done after ${values.minutes} minutes`);
  process.exit(1);
}, Number(values.minutes) * 60_000);

// Whatever it started ends with it, however it ends: see startSluice.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));
void forwarderGone(process, manifest.name).then(() => process.exit(130));

console.log(`seed ${options.seed}, ${options.events.toLocaleString("en-US")} events, Node ${process.version}`);
let failed = 0;
for (const scenario of chosen) {
  const startedAt = performance.now();
  const before = loadavg();
  console.log(`\n${scenario.name}: ${scenario.about}`);
  const figures = await scenario.run(options);
  for (const figure of figures) console.log(lineFor(figure));
  failed += figures.filter((figure) => !passes(figure)).length;
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(`  took ${seconds.toFixed(1)} s`);
  if (values.json === undefined) continue;
  const machine = { processors: cpus().length, model: cpus()[0]?.model, load: { before, after: loadavg() } };
  const of = { scenario: scenario.name, about: scenario.about, seed: options.seed, node: process.version };
  const line = { ...of, at: new Date().toISOString(), seconds, machine, figures };
  appendFileSync(values.json, `${JSON.stringify(line)}\n`);
}
clearTimeout(deadline);
console.log(failed === 0 ? "\nno fault" : `\n${failed} figures failed`);
process.exitCode = failed === 0 ? 0 : 1;
