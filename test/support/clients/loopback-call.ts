import { timeoutsSchema } from "../../../src/config/route-schema.ts";
import type { UpstreamCall, UpstreamRequest } from "../../../src/core/ports/upstream.ts";
import { ReadTurn } from "../../../src/core/stream/read-turn.ts";
import type { Timeouts } from "../../../src/upstream/call/deadlines.ts";
import {
  createUpstream,
  type Upstream,
  type UpstreamOptions,
  type UpstreamRoute,
} from "../../../src/upstream/upstream.ts";
import { noFault } from "../relay/no-fault.ts";
import { RecordingSink } from "../relay/recording-sink.ts";

export const realClock = { now: () => performance.now(), wall: () => Date.now() };

/** An upstream client with one route, `test`, to this address; closed with the test. */
export function openUpstream(
  baseUrl: string,
  { timeouts, ...route }: Partial<Omit<UpstreamRoute, "timeouts">> & { readonly timeouts?: Partial<Timeouts> } = {},
  options: Partial<UpstreamOptions> = {},
): Upstream & AsyncDisposable {
  const upstream = createUpstream({
    reads: new ReadTurn(noFault),
    routes: [
      {
        name: "test",
        baseUrl,
        allowPrivateNetwork: true,
        ...route,
        timeouts: { ...timeoutsSchema.parse({}), ...timeouts },
      },
    ],
    version: "0.0.0",
    maxEventBytes: 1_048_576,
    maxErrorBodyBytes: 65_536,
    clock: realClock,
    observer: {
      fault(fault) {
        throw fault;
      },
    },
    ...options,
  });
  return { ...upstream, [Symbol.asyncDispose]: () => upstream.close() };
}

/** Starts a call on the route `test` and records it. */
export function startCall(
  upstream: Upstream,
  request: Partial<UpstreamRequest> = {},
): { readonly call: UpstreamCall; readonly sink: RecordingSink } {
  const sink = new RecordingSink();
  const whole = {
    route: "test",
    path: "/v1/messages",
    headers: {},
    body: '{"stream":true}',
    mayRetry: true,
    ...request,
  };
  return { call: upstream.call(whole, sink), sink };
}
