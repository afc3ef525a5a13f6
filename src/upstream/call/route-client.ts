import type { Observer } from "../../core/ports/observer.ts";
import type { Connections } from "../http1/connections.ts";
import type { RunningTime } from "../policy/running-time.ts";
import type { Breaker } from "./breaker.ts";
import type { Timeouts } from "./deadlines.ts";
import type { SharedMemory } from "./held-bytes.ts";
import type { KeyRefusals } from "./key-refusals.ts";
import type { Retries } from "./retry.ts";

/** The state and settings that all calls of one route share. */
export interface RouteClient {
  readonly connections: Connections;
  readonly breaker: Breaker;
  readonly retries: Retries;
  readonly keyRefusals: KeyRefusals;
  readonly timeouts: Timeouts;
  readonly maxEventBytes: number;
  readonly maxErrorBodyBytes: number;
  /** The budget for incomplete events. */
  readonly memory: SharedMemory;
  /** Malformed UTF-8 fails the call. */
  readonly strictUtf8: boolean;
  /** Failed calls may be made again. */
  readonly retry: boolean;
  /** A whole JSON answer is taken for a stream of one event. */
  readonly jsonAnswer: boolean;
  readonly time: RunningTime;
  readonly observer: Pick<Observer, "fault">;
  /** The request path for a path below the base URL. */
  path(below: string): string;
  /** The request headers. Throws GatewayError if one cannot be sent. */
  headers(given: Readonly<Record<string, string>>, accept: string): Record<string, string>;
  /** The same for a pass-through request. */
  passThroughHeaders(given: Readonly<Record<string, string>>): Record<string, string>;
}
