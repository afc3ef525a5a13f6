import { type Delta, hasContent } from "../dialect/dialect.ts";
import type { ByteString } from "../kernel/byte-string.ts";
import type { Stream } from "../stream/stream.ts";

/** More is no head: a client that waits for anything gets it then, and the attempt is the last. */
const MAX_EVENTS = 64;
const MAX_BYTES = 64 * 1024;

interface HeldEvent {
  readonly name: ByteString | undefined;
  readonly bytes: ByteString;
  readonly isRaw: boolean;
  readonly delta: Delta;
}

/**
 * The events of an answer before its first content, such as `message_start`. They wait while another target may still answer,
 * because a client must not see the head of one answer before the content of another.
 */
export class HeldHead {
  /** Whether events wait; they do not where no other target is left. */
  readonly waits: boolean;
  readonly #stream: Stream;
  readonly #events: HeldEvent[] = [];
  #count = 0;
  #bytes = 0;

  constructor(stream: Stream, waits: boolean) {
    this.#stream = stream;
    this.waits = waits;
  }

  /**
   * Keeps an event, or publishes it, and returns whether the answer has begun with it. `isReadable`: the dialect tells content
   * from other events.
   */
  take(event: HeldEvent, isReadable: boolean): boolean {
    this.#events.push(event);
    this.#bytes += event.bytes.length;
    if (!this.waits) this.release();
    const { delta } = event;
    // An event that cannot be read is no content yet: a busy server may send a page, or half an event, and go.
    return (
      !isReadable ||
      hasContent(delta) ||
      Boolean(delta.otherCharacters) ||
      delta.finish !== undefined ||
      Boolean(delta.complete) ||
      ++this.#count >= MAX_EVENTS ||
      this.#bytes >= MAX_BYTES
    );
  }

  /** Publishes what waits, in order. A reader may cancel the stream meanwhile, which ends it. */
  release(): void {
    for (const { name, bytes, isRaw, delta } of this.#events.splice(0)) {
      if (this.#stream.terminal) return;
      this.#stream.publish(name, bytes, isRaw, hasContent(delta), delta);
    }
  }
}
