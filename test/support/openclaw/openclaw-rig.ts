/** The OpenClaw face over a real relay, with an upstream, a store and a clock that a test moves by hand. */

import { type Model, Routing } from "../../../src/core/dialect/routing.ts";
import type { Clock } from "../../../src/core/kernel/clock.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { Authenticator } from "../../../src/core/ports/authenticator.ts";
import type { Transcripts } from "../../../src/core/ports/transcripts.ts";
import { Relay } from "../../../src/core/relay/relay.ts";
import { LogBudget } from "../../../src/core/stream/log-budget.ts";
import { createOpenClawFace, type OpenClawFace, type OpenClawParts } from "../../../src/faces/openclaw/face.ts";
import { createMemoryTranscripts } from "../../../src/storage/transcripts/memory-transcripts.ts";
import { observerOf } from "../relay/observer.ts";
import { model, route } from "../relay/routes.ts";
import { type FakeCall, FakeUpstream } from "../upstreams/fake-upstream.ts";
import { type ConnectOptions, FakeConnection, type OpenClawClient } from "./openclaw-client.ts";

export interface Rig extends AsyncDisposable {
  readonly face: OpenClawFace;
  readonly relay: Relay;
  /** What the logs of all runs hold. */
  readonly budget: LogBudget;
  readonly calls: FakeCall[];
  readonly transcripts: Transcripts;
  readonly clock: { nowMs: number } & Clock;
  readonly faults: unknown[];
  /** The newest call. */
  readonly call: FakeCall;
  /** A socket that did not say anything yet. */
  open(): FakeConnection;
  /** A client past its handshake. */
  client(options?: ConnectOptions): Promise<OpenClawClient>;
  connection(options?: ConnectOptions): Promise<FakeConnection>;
  /** Ends this gateway and starts another over the same store. */
  restart(): Promise<Rig>;
}

export interface RigOptions {
  readonly token?: string;
  /** Instead of one that knows the token alone. */
  readonly authenticator?: Authenticator;
  readonly credentials?: OpenClawParts["credentials"];
  readonly settings?: OpenClawParts["settings"];
  readonly logs?: OpenClawParts["logs"];
  readonly vitals?: OpenClawParts["vitals"];
  readonly ledger?: OpenClawParts["ledger"];
  readonly transcripts?: Transcripts;
  /** The store counts as one that outlives the process. */
  readonly durable?: boolean;
  readonly transcriptMemory?: OpenClawParts["transcriptMemory"];
  /** Instead of the three models. */
  readonly models?: readonly Model[];
}

/** Three models: `gpt` (the default), `claude`, and `raw`, which cannot hold a conversation. */
const testModels = (): readonly Model[] => [
  model("gpt", route("openai", "openai-chat")),
  model("claude", route("anthropic", "anthropic-messages")),
  model("raw", route("plain", "plain-sse")),
];

function authenticator(token: string | undefined): Authenticator {
  let failures = 0;
  const failed = () => {
    if (failures++ >= 3) throw new GatewayError("rate_limited", "too many", { retryAfterMs: 1500 });
  };
  return {
    required: token !== undefined,
    authenticate(given) {
      if (token === undefined) return { name: "local" };
      if (given === token) return { name: "token" };
      if (given !== undefined) failed();
      return undefined;
    },
    failed,
    current: (caller) => caller,
  };
}

/** Ids of a second life must not meet those of the first. */
let lives = 0;

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const faults: unknown[] = [];
  let ids = 0;
  let connections = 0;
  const clock = { nowMs: 1_795_000_000_000, now: () => clock.nowMs, wall: () => clock.nowMs };
  const life = ++lives;
  const newId = () => `${life}-${++ids}`;
  const observer = observerOf({ fault: (error) => void faults.push(error) });
  const upstream = new FakeUpstream();
  const transcripts = options.transcripts ?? createMemoryTranscripts();
  const budget = new LogBudget(100_000_000);
  const relay = new Relay({ upstream, observer, clock, newId, log: { maxBytes: 100_000, maxEntries: 1000 }, budget });
  const face = await createOpenClawFace({
    relay,
    routing: new Routing([], options.models ?? testModels()),
    transcripts,
    authenticator: options.authenticator ?? authenticator(options.token),
    ...(options.credentials && { credentials: options.credentials }),
    clock,
    newId,
    version: "0.0.0-test",
    settings: { agentName: "Tester", ...options.settings },
    observer,
    ...(options.durable && { durable: true }),
    ...(options.transcriptMemory && { transcriptMemory: options.transcriptMemory }),
    ...(options.logs && { logs: options.logs }),
    ...(options.vitals && { vitals: options.vitals, port: () => 18_789 }),
    ...(options.ledger && { ledger: options.ledger }),
  });
  face.resume();
  const open = () => new FakeConnection(face, `c${++connections}`);
  const connection = async (connect: ConnectOptions = {}) => {
    const opened = open();
    await opened.client.connect({ ...(options.token !== undefined && { token: options.token }), ...connect });
    return opened;
  };
  return {
    face,
    relay,
    budget,
    calls: upstream.calls,
    transcripts,
    clock,
    faults,
    get call() {
      return upstream.newest;
    },
    open,
    connection,
    client: async (connect) => (await connection(connect)).client,
    async restart() {
      await face.close();
      return startRig({ ...options, transcripts });
    },
    async [Symbol.asyncDispose]() {
      await face.close();
    },
  };
}
