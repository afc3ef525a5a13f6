import { relay } from "./relay.ts";
import type { Scenario } from "./scenario.ts";
import { throughput } from "./throughput.ts";
import { ttft } from "./ttft.ts";

/** Every scenario, in the order they are run. */
export const SCENARIOS: readonly Scenario[] = [ttft, relay, throughput];
