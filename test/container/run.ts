/**
 * Plays one caller against a gateway with 1 GiB while another caller's small streams continue: `npx node test/container/run.ts
 * [part of a name]`. A process above 1 GiB fails; if the kernel can enforce the limit, it kills the process.
 */
import { whyNotEnforced } from "./memory-group.ts";
import { play } from "./play.ts";
import { SCENARIOS } from "./scenarios.ts";

const why = whyNotEnforced();
if (why !== undefined) console.warn(`the memory limit is measured, not enforced: ${why}`);
const wanted = process.argv[2] ?? "";
let failed = false;
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (!name.includes(wanted)) continue;
  const outcome = await play(scenario);
  failed ||=
    outcome.exit !== undefined || outcome.fault !== undefined || outcome.peakMib > 1_024 || !outcome.lastCompleted;
  console.log(JSON.stringify({ name, ...outcome }));
}
process.exitCode = failed ? 1 : 0;
