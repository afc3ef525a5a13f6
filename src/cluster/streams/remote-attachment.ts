import type { Code } from "../../../protocol/codes.ts";
import type { Attachment, RegisteredStream } from "../../core/stream/registered-stream.ts";
import type { LogHold } from "../../core/stream/stream-parts.ts";

/**
 * A client on another node that reads a stream of this one: it has the stream like any other, and what it has not handled stays
 * in the log, so that a slow one holds the upstream back.
 */
export class RemoteAttachment implements Attachment, LogHold {
  readonly isReader = true;
  readonly isShared: boolean;
  readonly node: string;
  readonly reader: string;
  readonly registered: RegisteredStream;
  readonly #lost: (why: Code) => void;
  #handled: number;

  /** `lost` is called when the client has lost the stream, and must be told. */
  constructor(
    registered: RegisteredStream,
    remote: { readonly node: string; readonly reader: string; readonly after: number; readonly isShared: boolean },
    lost: (why: Code) => void,
  ) {
    this.registered = registered;
    this.isShared = remote.isShared;
    this.node = remote.node;
    this.reader = remote.reader;
    this.#handled = remote.after;
    this.#lost = lost;
  }

  get handled(): number {
    return this.#handled;
  }

  /** Its client has handled everything up to `seq`. */
  moved(seq: number): void {
    this.#handled = Math.max(this.#handled, seq);
    this.registered.stream.readerMoved();
  }

  detached(why: Code): void {
    this.registered.stream.letGo(this);
    this.#lost(why);
  }
}
