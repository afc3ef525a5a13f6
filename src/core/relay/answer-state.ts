import { type Completeness, type Decoder, type Delta, type Dialect, NOTHING } from "../dialect/dialect.ts";
import { type Unread, whyUnread } from "../dialect/unread-event.ts";
import { isObject, type JsonObject, parseJson } from "../kernel/json.ts";
import { parseLenientJson } from "../kernel/lenient-json.ts";
import { estimateTokens, mergeCounts, settleUsage, type TokenCounts } from "../usage/usage.ts";
import { EventTemplate } from "./event-template.ts";

/** What was seen of one answer so far: what its events mean, added up. */
export class AnswerState {
  readonly #decoder: Decoder;
  /** A dialect that knows no last event reads no text either. */
  readonly #readable: boolean;
  readonly #inputCharacters: number;
  readonly #template = new EventTemplate();
  #counts: TokenCounts = {};
  #characters = 0;
  /** How many of them there were when the provider last counted its output. */
  #countedCharacters: number | undefined;
  #finish: string | undefined;
  #completeness: Completeness = "open";
  #isRaw = false;
  readonly #unread = new Map<Unread, number>();
  #mended = 0;

  /**
   * `asked` is the caller's body, `inputCharacters` what the model reads of it. `hidesUsage`: the usage was asked for by the
   * gateway alone.
   */
  constructor(dialect: Dialect, asked: JsonObject, inputCharacters: number, hidesUsage = false) {
    this.#decoder = dialect.decoder(asked, hidesUsage);
    this.#readable = !dialect.endsAtEof;
    this.#inputCharacters = inputCharacters;
  }

  /** What the provider counted. */
  get counts(): TokenCounts {
    return this.#counts;
  }

  /** Of the answer, one for each byte beyond ASCII too: such letters are nearer to a token each. */
  get characters(): number {
    return this.#characters;
  }

  /** The provider's reason for its end, as soon as it is known. */
  get finish(): string | undefined {
    return this.#finish;
  }

  /** Nothing of the answer is missing, though more events may come. */
  get isWhole(): boolean {
    return this.#completeness === "whole" || this.#completeness === "now";
  }

  /** The body ended in order, which makes some answers whole. */
  bodyEnded(): void {
    if (this.#completeness === "at_end" || !this.#readable) this.#completeness = "whole";
  }

  /** The last event was no JSON that could be looked into. */
  get isRaw(): boolean {
    return this.#isRaw;
  }

  /** How many events could not be read: text may be missing. */
  get unreadEvents(): number {
    return [...this.#unread.values()].reduce((sum, count) => sum + count, 0);
  }

  /** How many events were no proper JSON, by kind: why they could not be read, or `mended` where they were nonetheless. */
  get anomalies(): Iterable<readonly [kind: Unread | "mended", count: number]> {
    return this.#mended > 0 ? [...this.#unread, ["mended", this.#mended]] : this.#unread;
  }

  /** What an event means. `bytes` is the length of its data in UTF-8. */
  read(name: string | undefined, data: string, bytes: number): Delta {
    const known = this.#template.match(name, data);
    const value = known ? null : parseJson(data);
    this.#isRaw = value === undefined;
    const mended = this.#isRaw && this.#readable ? parseLenientJson(data) : undefined;
    const delta = known ?? this.#decoder.read(name, value === undefined ? mended : value, data);
    if (mended !== undefined) this.#mended++;
    // Never learned from an event that was mended: what is like it is no JSON either.
    else if (!known) {
      this.#template.learn(name, data, delta);
      if (this.#readable && !isObject(value) && !delta.error) this.#countUnread(whyUnread(value, data), bytes);
    }
    if (delta !== NOTHING) this.#note(delta, bytes - data.length);
    else if (!this.#readable) this.#characters += bytes;
    return delta;
  }

  /** How the provider would have ended here for its limit. */
  cutShort() {
    const short = this.#decoder.cutShort(Math.max(this.#counts.outputTokens ?? 0, estimateTokens(this.#characters)));
    this.#finish ??= short?.finish;
    return short?.events ?? [];
  }

  /** The usage as far as it is known. `sent`: the provider may charge for the call. */
  usage(sent: boolean) {
    return settleUsage({
      counts: this.#counts,
      countedCharacters: this.#countedCharacters,
      whole: this.isWhole,
      sent,
      readable: this.#readable,
      inputCharacters: this.#inputCharacters,
      outputCharacters: this.#characters,
    });
  }

  /** What is in it counts by its bytes: it was relayed, and may be text. */
  #countUnread(why: Unread | undefined, bytes: number): void {
    if (!why) return;
    this.#unread.set(why, (this.#unread.get(why) ?? 0) + 1);
    this.#characters += bytes;
  }

  #note(delta: Delta, beyondAscii: number): void {
    const characters =
      (delta.text?.length ?? 0) +
      (delta.thinking?.length ?? 0) +
      (delta.otherCharacters ?? 0) +
      (delta.toolCalls?.reduce((sum, call) => sum + (call.arguments?.length ?? 0) + (call.name?.length ?? 0), 0) ?? 0);
    if (characters > 0) this.#characters += characters + beyondAscii;
    if (delta.usage) {
      this.#counts = mergeCounts(this.#counts, delta.usage);
      if (delta.usage.outputTokens) this.#countedCharacters = this.#characters;
    }
    if (delta.finish !== undefined) this.#finish = delta.finish;
    if (delta.complete) this.#complete(delta.complete);
  }

  #complete(completeness: Completeness): void {
    this.#completeness = completeness;
    if (completeness === "open") this.#finish = undefined;
    // The decoder must see the next text itself: behind a finish it means that the answer goes on.
    this.#template.forget();
  }
}
