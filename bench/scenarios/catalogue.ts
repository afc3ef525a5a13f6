import { aims } from "./aims.ts";
import { backpressure } from "./backpressure.ts";
import { cancel } from "./cancel.ts";
import { chat } from "./chat.ts";
import { cold } from "./cold.ts";
import { http } from "./http.ts";
import { memory } from "./memory.ts";
import { multiplex } from "./multiplex.ts";
import { payloads } from "./payloads.ts";
import { relay } from "./relay.ts";
import type { Scenario } from "./scenario.ts";
import { start } from "./start.ts";
import { throughput } from "./throughput.ts";
import { ttft } from "./ttft.ts";
import { unthrottled } from "./unthrottled.ts";

/** Every scenario, in the order of execution. */
export const SCENARIOS: readonly Scenario[] = [
  ttft,
  relay,
  throughput,
  unthrottled,
  cold,
  start,
  payloads,
  multiplex,
  backpressure,
  http,
  memory,
  cancel,
  chat,
  aims,
];
