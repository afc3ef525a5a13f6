import type { Caller } from "../../../src/core/caller/caller.ts";
import { fromByteString } from "../../../src/core/kernel/byte-string.ts";
import type { JsonObject } from "../../../src/core/kernel/json.ts";
import type { StreamRecord } from "../../../src/core/ports/observer.ts";
import type { Reservations } from "../../../src/core/quota/reservation.ts";
import { Relay } from "../../../src/core/relay/relay.ts";
import type { DrainLimits } from "../../../src/core/relay/usage-drain.ts";
import type { Stream } from "../../../src/core/stream/stream.ts";
import type { Entry, LogLimits } from "../../../src/core/stream/stream-log.ts";
import type { Terminal } from "../../../src/core/stream/terminal.ts";
import type { Price } from "../../../src/core/usage/price.ts";
import type { DialectName } from "../../../src/dialects/registry.ts";
import type { UpstreamOptions } from "../../../src/upstream/upstream.ts";
import { openUpstream, realClock } from "../clients/loopback-call.ts";
import { observerOf } from "./observer.ts";
import { dialectOf } from "./routes.ts";

export interface RelaySettings {
  readonly dialect?: DialectName;
  readonly route?: Parameters<typeof openUpstream>[1];
  readonly options?: Partial<UpstreamOptions>;
  readonly log?: LogLimits;
  readonly reservations?: Reservations;
  readonly drain?: DrainLimits;
  /** Defaults of the model that every open then names. */
  readonly price?: Price;
}

export interface OpenSettings {
  readonly body?: JsonObject;
  readonly mayRetry?: boolean;
  readonly caller?: Caller;
  /** Called for each entry like a reader's sink: false asks to wait. */
  readonly onEntry?: (entry: Entry) => boolean;
}

/** A stream with one reader that keeps what it received. */
export interface RelayedStream {
  readonly stream: Stream;
  readonly entries: readonly Entry[];
  readonly data: readonly string[];
  readonly terminal: Promise<Terminal>;
  /** Resolves once this many entries have arrived. */
  received(count: number): Promise<void>;
}

export interface TestRelay extends AsyncDisposable {
  readonly relay: Relay;
  /** The observer's records, one per stream. */
  readonly records: readonly StreamRecord[];
  /** Faults reported to it. */
  readonly faults: readonly unknown[];
  /** Resolves once the observer has records of this many streams. */
  ended(streams: number): Promise<void>;
  open(settings?: OpenSettings): RelayedStream;
}

/** The real relay, dialect and upstream client on one route to this address. */
export function openRelay(baseUrl: string, settings: RelaySettings = {}): TestRelay {
  const dialect = dialectOf(settings.dialect ?? "anthropic-messages");
  const upstream = openUpstream(baseUrl, settings.route, settings.options);
  const records: StreamRecord[] = [];
  const faults: unknown[] = [];
  const waiting: { readonly count: number; readonly reached: () => void }[] = [];
  let ids = 0;
  const relay = new Relay({
    upstream,
    observer: observerOf({
      streamEnded(record) {
        records.push(record);
        for (const { count, reached } of waiting) if (records.length >= count) reached();
      },
      fault: (error) => void faults.push(error),
    }),
    clock: realClock,
    newId: () => String(++ids),
    log: settings.log ?? { maxBytes: 1_048_576, maxEntries: 8_192 },
    ...(settings.reservations && { reservations: settings.reservations }),
    ...(settings.drain && { drain: settings.drain }),
  });
  const route = { name: "test", dialect, key: "sk-test-0123456789", headers: {} };
  const { price } = settings;
  const named = { alias: "test", route, upstreamModel: "test", name: "test", defaults: {}, contextWindow: undefined };
  const model = price && { ...named, price };

  function open({
    body = {},
    mayRetry = true,
    caller = { name: "tester" },
    onEntry,
  }: OpenSettings = {}): RelayedStream {
    const stream = relay.open({
      target: { route, model },
      body,
      caller,
      mayRetry,
      face: "test",
      connection: undefined,
      receivedAt: realClock.now(),
    });
    const entries: Entry[] = [];
    const waiting: { readonly count: number; readonly reached: () => void }[] = [];
    const { promise: terminal, resolve } = Promise.withResolvers<Terminal>();
    let ready = true;
    const sink = {
      push(entry: Entry) {
        if (!ready) return false;
        entries.push(entry);
        for (const { count, reached } of waiting) if (entries.length >= count) reached();
        ready = onEntry?.(entry) ?? true;
        return true;
      },
      end: resolve,
      failed() {},
    };
    stream.attach(sink);
    return {
      stream,
      entries,
      get data() {
        return entries.map((entry) => fromByteString(entry.data));
      },
      terminal,
      received: (count) =>
        entries.length >= count ? Promise.resolve() : new Promise((reached) => waiting.push({ count, reached })),
    };
  }

  const ended = (count: number) =>
    new Promise<void>((reached) => {
      if (records.length >= count) reached();
      else waiting.push({ count, reached });
    });
  return { relay, records, faults, open, ended, [Symbol.asyncDispose]: () => upstream.close() };
}
