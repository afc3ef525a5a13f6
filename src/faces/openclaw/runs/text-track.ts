import type { ClientSession } from "../clients/client-session.ts";

/** Puts one track of a run into event frames. Each frame is encoded up to its outer `seq`. */
export interface TrackEncoder {
  /** Whether this client receives the track. */
  wants(client: ClientSession): boolean;
  /** A piece for a client that has everything before it. */
  piece(piece: string): string;
  /**
   * For a client without a baseline: `text` is everything so far, `added` the part it was never sent. `replaces` says
   * that a history may have shown it some of `added`, so that it must replace its text.
   */
  whole(text: string, added: string, replaces: boolean): readonly string[];
}

/**
 * One growing text of a run: the answer, the thinking, or the arguments of one tool call. The run's content holds the
 * text; the track holds positions in it. Frames carry only what is new, so the bytes sent for an answer grow with its
 * length and not with its square.
 */
export class TextTrack {
  readonly encoder: TrackEncoder;
  readonly #text: () => string;
  #length = 0;
  #before = 0;
  #piece = "";
  #frame: string | undefined;

  /** `text` reads all of the text as the run's content holds it. */
  constructor(encoder: TrackEncoder, text: () => string) {
    this.encoder = encoder;
    this.#text = text;
  }

  get text(): string {
    return this.#text();
  }

  get length(): number {
    return this.#length;
  }

  /** Length before the latest piece. */
  get before(): number {
    return this.#before;
  }

  /** The text has grown by `piece`. */
  grow(piece: string): void {
    this.#before = this.#length;
    this.#length += piece.length;
    this.#piece = piece;
    this.#frame = undefined;
  }

  /** The latest piece's frame, encoded once for all clients that keep up. Only valid in the call that added the piece. */
  latest(): string {
    this.#frame ??= this.encoder.piece(this.#piece);
    return this.#frame;
  }

  /** A frame of everything after `offset`, with a number of its own: it may go out after later frames. */
  since(offset: number): string {
    return this.encoder.piece(this.text.slice(offset));
  }

  /** Frames for a client without a baseline that was sent everything up to `offset`. */
  whole(offset: number): readonly string[] {
    const isFirstPiece = this.#before === 0;
    return this.encoder.whole(this.text, this.text.slice(offset), offset === 0 && !isFirstPiece);
  }
}
