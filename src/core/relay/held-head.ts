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
  readonly #events: HeldEvent[] = [];
  #bytes = 0;

  /** Keeps an event, and returns whether the answer has begun with it. `isReadable`: the dialect tells content from other events. */
  hold(event: HeldEvent, isReadable: boolean): boolean {
    this.#events.push(event);
    this.#bytes += event.bytes.length;
    const { delta, isRaw } = event;
    return (
      !isReadable ||
      isRaw ||
      hasContent(delta) ||
      Boolean(delta.otherCharacters) ||
      delta.finish !== undefined ||
      Boolean(delta.complete) ||
      this.#events.length >= MAX_EVENTS ||
      this.#bytes >= MAX_BYTES
    );
  }

  /** Publishes what waits, in order. A reader may cancel the stream meanwhile, which ends it. */
  release(stream: Stream): void {
    for (const { name, bytes, isRaw, delta } of this.#events) {
      if (stream.terminal) return;
      stream.publish(name, bytes, isRaw, hasContent(delta), delta);
    }
  }
}
