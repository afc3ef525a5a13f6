import { backpressure } from "./backpressure.ts";
import { cancel } from "./cancel.ts";
import { chat } from "./chat.ts";
import { http } from "./http.ts";
import { memory } from "./memory.ts";
import { multiplex } from "./multiplex.ts";
import { relay } from "./relay.ts";
import type { Scenario } from "./scenario.ts";
import { throughput } from "./throughput.ts";
import { ttft } from "./ttft.ts";

/** Every scenario, in the order of execution. */
export const SCENARIOS: readonly Scenario[] = [
  ttft,
  relay,
  throughput,
  multiplex,
  backpressure,
  http,
  memory,
  cancel,
  chat,
];
