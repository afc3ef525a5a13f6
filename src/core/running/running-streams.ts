import { type Caller, mayDo } from "../caller/caller.ts";
import type { Clock } from "../kernel/clock.ts";
import { GatewayError } from "../kernel/errors.ts";
import type { Relay } from "../relay/relay.ts";
import type { StreamRegistry } from "../stream/registry.ts";
import { type StreamView, viewOf } from "./stream-view.ts";

/** Who looks at running streams, or ends one. */
export interface Viewer {
  readonly name: string;
  /** Whether everybody's are shown. */
  readonly isOperator: boolean;
}

/** A caller as a viewer: the scope `admin` makes an operator. */
export const viewerOf = (caller: Caller): Viewer => ({ name: caller.name, isOperator: mayDo(caller, "admin") });

/** What runs on other nodes, as far as they say. */
export interface StreamsElsewhere {
  /** In no order. */
  readonly streams: readonly StreamView[];
  /** How many more there are, which their nodes did not tell one by one. */
  readonly unlisted: number;
  /** The nodes that did not answer in time. */
  readonly silent: readonly string[];
  /** How many nodes could not be asked, because Redis does not answer. */
  readonly unasked: number;
}

/** The other nodes' running streams. A gateway without a cluster has none. */
export interface OtherNodes {
  /** Names this node. */
  readonly node: string;
  /** What the viewer may see. Rejects with `overloaded`. */
  list(viewer: Viewer): Promise<StreamsElsewhere>;
  /**
   * Ends a stream that the viewer may see. Resolves with whether there was one that ran. Rejects with `cluster_unavailable`
   * when that is not certain, and with `overloaded`.
   */
  end(stream: string, viewer: Viewer): Promise<boolean>;
}

/** What became of the wish to end a stream. `over`: it ran here, and had ended; `unknown`: it may run elsewhere. */
export type EndAnswer = "ended" | "over" | "unknown";

/** What the running streams are read from. */
export interface RunningStreamsParts {
  readonly relay: Pick<Relay, "streams">;
  readonly registry: Pick<StreamRegistry, "own">;
  readonly clock: Pick<Clock, "now">;
}

/** The running streams of this process, as a viewer may see and end them. Costs them nothing: their counters are read when asked for. */
export class RunningStreams {
  readonly #parts: RunningStreamsParts;

  constructor(parts: RunningStreamsParts) {
    this.#parts = parts;
  }

  /** What the viewer may see, in the order of the opens. */
  seenBy(viewer: Viewer): readonly StreamView[] {
    const { relay, clock } = this.#parts;
    const now = clock.now();
    return [...relay.streams].filter(({ caller }) => sees(viewer, caller.name)).map((one) => viewOf(one, now));
  }

  /** Ends a stream as `cancelled`, if the viewer may see it. */
  end(id: string, viewer: Viewer): EndAnswer {
    const { relay, registry } = this.#parts;
    for (const { stream, caller } of relay.streams) {
      if (stream.info.id !== id || !sees(viewer, caller.name)) continue;
      stream.cancel(new GatewayError("cancelled", "ended by an operator"));
      return "ended";
    }
    const kept = registry.own(id);
    return kept && sees(viewer, kept.caller) ? "over" : "unknown";
  }
}

const sees = ({ name, isOperator }: Viewer, whose: string): boolean => isOperator || whose === name;
