import type { Random } from "../../../src/demo/random.ts";
import { AckClient, type AckRule } from "../clients/ack-client.ts";
import type { AckStream } from "../clients/ack-stream.ts";
import type { FloodRecord } from "../upstreams/flood-upstream.ts";

/** Mean number of events between two faults. */
export interface Hardships {
  /** The socket dies. */
  readonly cut: number;
  /** The client reads nothing for some loop turns. */
  readonly rest: number;
  /** One stream is not acknowledged for some loop turns. */
  readonly hold: number;
}

export interface Plan {
  readonly gatewayUrl: string;
  /** Prefix of the streams' names. */
  readonly name: string;
  readonly random: Random;
  readonly streams: number;
  readonly streamsAtOnce: number;
  readonly eventsPerStream: number;
  readonly hardships: Hardships;
  readonly batch: boolean;
  readonly rule: AckRule;
  /** The upstream's record of an answer. */
  readonly record: (key: string) => FloodRecord | undefined | Promise<FloodRecord | undefined>;
}

/** The results. `faults` must be empty. */
export interface Toll {
  events: number;
  cuts: number;
  rests: number;
  holds: number;
  readonly faults: string[];
}

/** Longest pause in loop turns. */
const MAX_TURNS = 200;

/** A client with several streams under faults: every stream must deliver what its upstream wrote. */
export async function survive(plan: Plan): Promise<Toll> {
  const { random, hardships } = plan;
  const toll: Toll = { events: 0, cuts: 0, rests: 0, holds: 0, faults: [] };
  const befalls = (mean: number): boolean => random() * mean < 1;
  const afterTurns = (then: () => void, turns = Math.ceil(random() * MAX_TURNS)): void =>
    void setImmediate(() => (turns > 1 ? afterTurns(then, turns - 1) : then()));

  const client = new AckClient(plan.gatewayUrl, {
    rule: plan.rule,
    onEvent(stream) {
      toll.events++;
      if (befalls(hardships.cut)) cut();
      else if (befalls(hardships.rest)) rest();
      else if (befalls(hardships.hold)) hold(stream);
    },
  });

  function cut(): void {
    if (!client.isConnected) return;
    toll.cuts++;
    client.cut();
    setImmediate(() => void client.connect());
  }

  function rest(): void {
    if (!client.isConnected) return;
    toll.rests++;
    const { ws } = client;
    ws.pause();
    afterTurns(() => ws.resume());
  }

  function hold(stream: AckStream): void {
    toll.holds++;
    stream.holdsAcks = true;
    afterTurns(() => client.letGo(stream));
  }

  async function live(at: number): Promise<void> {
    const key = `${plan.name}-${at}`;
    const { eventsPerStream: events, batch } = plan;
    const stream = client.open(key, { model: "gpt", batch, body: { key, events, plain: batch, messages: [] } });
    const end = await stream.over;
    client.streams.delete(key);
    const record = await plan.record(key);
    const faults = [...stream.faults];
    if (end.type === "error" || end.status !== "completed") faults.push(`ended ${JSON.stringify(end.error)}`);
    if (record?.written !== stream.last) faults.push(`${stream.last} events of ${record?.written}`);
    if (record?.digest !== stream.digest()) faults.push("altered");
    if (record?.calls !== 1) faults.push(`${record?.calls} calls of the upstream`);
    toll.faults.push(...faults.map((fault) => `${key}: ${fault}`));
  }

  await client.connect();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < plan.streams) await live(next++);
  };
  await Promise.all(Array.from({ length: plan.streamsAtOnce }, lane));
  client.cut();
  return toll;
}
