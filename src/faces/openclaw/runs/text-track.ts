import type { ClientSession } from "../clients/client-session.ts";

/** How one track of a run is put into frames. Each encoder gives an event frame up to its outer `seq`. */
export interface TrackEncoder {
  /** Whether this client hears the track. */
  wants(client: ClientSession): boolean;
  /** A piece for a client that holds everything before it. */
  piece(piece: string): string;
  /**
   * For a client without a baseline: `text` is everything so far, `added` the part it was never sent. `replaces` says
   * that it may hold some of `added` from a history, and must put it in that text's place.
   */
  whole(text: string, added: string, replaces: boolean): readonly string[];
}

/**
 * One growing text of a run: the answer, the thinking, or the arguments of one tool call. Frames hold only what is new,
 * so that the bytes of a reply grow with its length and not with its square.
 */
export class TextTrack {
  readonly encoder: TrackEncoder;
  #text = "";
  #before = 0;
  #piece = "";
  #frame: string | undefined;

  constructor(form: TrackEncoder) {
    this.encoder = form;
  }

  get text(): string {
    return this.#text;
  }

  get length(): number {
    return this.#text.length;
  }

  append(piece: string): void {
    this.#before = this.#text.length;
    this.#text += piece;
    this.#piece = piece;
    this.#frame = undefined;
  }

  /** Length before the latest piece. */
  get before(): number {
    return this.#before;
  }

  /** The latest piece's frame, encoded once for all clients that keep up. For use in the call that appended it. */
  latest(): string {
    this.#frame ??= this.encoder.piece(this.#piece);
    return this.#frame;
  }

  /** A frame of everything after `offset`, with a number of its own: it may go out after younger frames. */
  since(offset: number): string {
    return this.encoder.piece(this.#text.slice(offset));
  }

  /** Frames for a client without a baseline, which was sent everything up to `offset`. */
  whole(offset: number): readonly string[] {
    const isFirstPiece = this.#before === 0;
    return this.encoder.whole(this.#text, this.#text.slice(offset), offset === 0 && !isFirstPiece);
  }
}
