import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { cancelled, RegistryRig } from "../../support/relay/registry-rig.ts";
import type { PlayedStream } from "../../support/upstreams/played-stream.ts";

/** One step on one of the streams; the numbers are taken modulo what there is. */
type Step =
  | { readonly do: "open"; readonly away: "continue" | "finish" | "cancel" }
  | { readonly do: "append"; readonly at: number; readonly size: number; readonly times: number }
  | { readonly do: "ack"; readonly at: number; readonly part: number }
  | { readonly do: "writable"; readonly at: number; readonly writable: boolean }
  | { readonly do: "resume"; readonly at: number; readonly from: "last" | "start" | number; readonly acks: boolean }
  | { readonly do: "foreign" | "epoch" | "leave" | "end" | "cancel" | "handled"; readonly at: number }
  | { readonly do: "tick"; readonly ms: number };

const at = fc.nat(30);
const on = <Name extends string>(...names: Name[]) => fc.record({ do: fc.constantFrom(...names), at });
const size = fc.oneof({ weight: 5, arbitrary: fc.nat(500) }, { weight: 1, arbitrary: fc.nat(15_000) });
const from = fc.oneof(
  { weight: 4, arbitrary: fc.constant("last" as const) },
  { weight: 1, arbitrary: fc.constant("start" as const) },
  { weight: 1, arbitrary: fc.nat(60) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("open" as const), away: fc.constantFrom("continue", "finish", "cancel") }),
  },
  { weight: 12, arbitrary: fc.record({ do: fc.constant("append" as const), at, size, times: fc.nat(12) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("ack" as const), at, part: fc.double({ min: -0.3, max: 1.2 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("writable" as const), at, writable: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("resume" as const), at, from, acks: fc.boolean() }) },
  { weight: 3, arbitrary: on("leave", "end", "cancel", "handled", "foreign", "epoch") },
  { weight: 2, arbitrary: on("leave") },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("tick" as const), ms: fc.nat(40_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("tick" as const), ms: fc.nat(320_000) }) },
);

function take(rig: RegistryRig, step: Step): void {
  if (step.do === "tick") rig.tick(step.ms);
  if (step.do === "open") rig.open(step.away);
  if (!("at" in step)) return;
  const stream = rig.streams[step.at % (rig.streams.length || 1)];
  if (!stream) return;
  if (step.do === "append") for (let count = 0; count <= step.times; count++) stream.append(step.size);
  else if (step.do === "ack") acknowledge(stream, step.part);
  else if (step.do === "writable") setWritable(stream, step.writable);
  else if (step.do === "resume") stream.resume(place(stream, step.from), step.acks);
  else if (step.do === "foreign") stream.resume(0, true, "somebody else");
  else if (step.do === "epoch") stream.resume(0, true, stream.caller, 2);
  else if (step.do === "leave") stream.leave();
  else if (step.do === "end") stream.end();
  else if (step.do === "handled") stream.handle();
  else stream.cancel(cancelled());
}

const place = (stream: PlayedStream, from: "last" | "start" | number): number =>
  from === "last" ? stream.applied : from === "start" ? 0 : from;

/** Acknowledges a part of what is in flight; below 0 that is a repetition, above 1 a lie. */
function acknowledge({ visit }: PlayedStream, part: number): void {
  const { window, reader } = visit ?? {};
  if (!window || !reader) return;
  const inFlight = window.sent - window.acked;
  const seq = Math.max(0, part > 1 ? window.sent + 1 : window.acked + Math.floor(part * inFlight));
  if (seq > window.sent) expect(() => reader.acknowledge(seq)).toThrow("acknowledges more than was sent");
  else reader.acknowledge(seq);
}

function setWritable({ visit }: PlayedStream, writable: boolean): void {
  if (!visit) return;
  visit.writable = writable;
  if (writable) visit.reader.wake();
}

/** A client that resumes gets everything and the end, unless it is refused. */
function finish(rig: RegistryRig, stream: PlayedStream): void {
  const refusal = stream.resume(stream.applied, true);
  if (refusal !== undefined) {
    // Only streams without a client, or past their time, may lose entries.
    expect(["evicted", "expired", "unknown"]).toContain(refusal);
    return;
  }
  for (let round = 0; round < 1_000 && stream.applied < stream.texts.length; round++) {
    acknowledge(stream, 1);
    rig.check();
  }
  stream.end();
  rig.check();
  expect(stream.applied).toBe(stream.texts.length);
}

test("registered streams deliver every entry once and in order, or say why not, in any sequence of events", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 200, size: "max" }), (steps) => {
      const rig = new RegistryRig();
      for (const step of steps) {
        take(rig, step);
        rig.check();
      }
      for (const stream of rig.streams) finish(rig, stream);
      rig.tick(400_000);
      expect(rig.budget.usedBytes).toBe(rig.streams.reduce((sum, { stream }) => sum + stream.log.bytes, 0));
    }),
    { numRuns: 1_000 },
  );
});
