import type { Decoder, Delta } from "../../../core/dialect/dialect.ts";
import { fromByteString } from "../../../core/kernel/byte-string.ts";
import { parseJson } from "../../../core/kernel/json.ts";
import { parseLenientJson } from "../../../core/kernel/lenient-json.ts";
import type { Entry, StreamLog } from "../../../core/stream/stream-log.ts";

/**
 * The deltas of a stream's entries, in order. Those of live entries are given; an entry from the log is decoded here, which
 * needs the decoder to have seen the ones before it: they are decoded then, each once.
 */
export class EntryDeltas {
  readonly #log: Pick<StreamLog, "at">;
  readonly #newDecoder: () => Decoder;
  #decoder: Decoder | undefined;
  /** The last sequence the decoder has seen. */
  #seen = 0;

  /** `newDecoder` is called at the first entry: only then it is certain which target answers. */
  constructor(log: Pick<StreamLog, "at">, newDecoder: () => Decoder) {
    this.#log = log;
    this.#newDecoder = newDecoder;
  }

  /** `live`: the delta if the entry has just been logged. */
  of(entry: Entry, live: Delta | undefined): Delta {
    if (live) return live;
    while (this.#seen < entry.seq - 1) {
      const earlier = this.#log.at(++this.#seen);
      if (earlier) this.#decode(earlier);
    }
    this.#seen = entry.seq;
    return this.#decode(entry);
  }

  #decode({ event, data, raw }: Entry): Delta {
    const text = fromByteString(data);
    this.#decoder ??= this.#newDecoder();
    return this.#decoder.read(event, raw ? parseLenientJson(text) : parseJson(text), text);
  }
}
