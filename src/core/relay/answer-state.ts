import { type Completeness, type Decoder, type Delta, type Dialect, NOTHING } from "../dialect/dialect.ts";
import { isEmpty, type Unread, whyUnread } from "../dialect/unread-event.ts";
import { isObject, type JsonObject, type JsonValue, parseJson } from "../kernel/json.ts";
import { parseLenientJson } from "../kernel/lenient-json.ts";
import { estimateTokens, mergeCounts, settleUsage, type TokenCounts } from "../usage/usage.ts";
import { EventTemplate } from "./event-template.ts";

/** Everything seen of one answer so far, summed up from its deltas. */
export class AnswerState {
  readonly #decoder: Decoder;
  /** A dialect without a terminal event decodes no text either. */
  readonly #readable: boolean;
  readonly #inputCharacters: number;
  readonly #template = new EventTemplate();
  #counts: TokenCounts = {};
  #characters = 0;
  /** `#characters` when the provider last reported output. */
  #countedCharacters: number | undefined;
  #finish: string | undefined;
  #completeness: Completeness = "open";
  #isRaw = false;
  readonly #unread = new Map<Unread, number>();
  #mended = 0;
  #lastData = "";

  /**
   * `asked` is the caller's body, `inputCharacters` the part of it that the model reads. `hidesUsage`: only the gateway asked
   * for the usage.
   */
  constructor(dialect: Dialect, asked: JsonObject, inputCharacters: number, hidesUsage = false) {
    this.#decoder = dialect.decoder(asked, hidesUsage);
    this.#readable = !dialect.endsAtEof;
    this.#inputCharacters = inputCharacters;
  }

  /** The provider's figures so far. */
  get counts(): TokenCounts {
    return this.#counts;
  }

  /** Characters of the answer. Beyond ASCII every byte counts, since such characters are closer to one token each. */
  get characters(): number {
    return this.#characters;
  }

  /** The provider's finish reason; undefined while the answer continues. */
  get finish(): string | undefined {
    return this.#finish;
  }

  /** The answer is complete, though more events may follow. */
  get isWhole(): boolean {
    return this.#completeness === "whole" || this.#completeness === "now";
  }

  /** Whether the dialect decodes events, and so reports usage. */
  get isReadable(): boolean {
    return this.#readable;
  }

  /** The body ended cleanly, which completes an answer that is `at_end` or has no terminal event. */
  bodyEnded(): void {
    if (this.#completeness === "at_end" || !this.#readable) this.#completeness = "whole";
  }

  /** Whether the last event was not JSON, or nested too deep. */
  get isRaw(): boolean {
    return this.#isRaw;
  }

  /** The number of undecoded events: text may be missing. */
  get unreadEvents(): number {
    return [...this.#unread.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Events that were not proper JSON, by kind: why they could not be decoded, or `mended` if they were nonetheless. */
  get anomalies(): Iterable<readonly [kind: Unread | "mended", count: number]> {
    return this.#mended > 0 ? [...this.#unread, ["mended", this.#mended]] : this.#unread;
  }

  /** Decodes one event. `bytes` is the UTF-8 length of its data. */
  read(name: string | undefined, data: string, bytes: number): Delta {
    this.#lastData = data;
    const known = this.#template.match(name, data);
    if (known) {
      this.#isRaw = false;
      this.#characters += (known.text ?? known.thinking ?? "").length + bytes - data.length;
      return known;
    }
    const value = jsonOf(data);
    this.#isRaw = value === undefined;
    const mended = this.#isRaw && this.#readable && !isEmpty(data) ? parseLenientJson(data) : undefined;
    const delta = this.#decoder.read(name, value === undefined ? mended : value, data);
    if (mended !== undefined) this.#mended++;
    // Never learned from an event that was mended: what is like it is no JSON either.
    else {
      this.#template.learn(name, data, delta);
      if (this.#readable && !isObject(value) && !delta.error) this.#countUnread(whyUnread(value, data), bytes);
    }
    if (delta !== NOTHING) this.#note(delta, bytes - data.length);
    else if (!this.#readable) this.#characters += bytes;
    return delta;
  }

  /** The events that end the answer here as its provider would at the output limit; empty if there are none. */
  cutShort() {
    const tokens = Math.max(this.#counts.outputTokens ?? 0, estimateTokens(this.#characters));
    const short = this.#decoder.cutShort(tokens, this.#lastData);
    this.#finish ??= short?.finish;
    return short?.events ?? [];
  }

  /** The usage so far. `sent`: the provider may charge for the call. */
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

  /** Counts an undecoded event by its bytes: it was relayed and may contain text. */
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
    // The decoder must see the next text itself: after a finish reason it means that the answer continues.
    this.#template.forget();
  }
}

/** An event's JSON. `[DONE]` is not tried: the errors thrown for it would cost more than all else that a stream's end does. */
const jsonOf = (data: string): JsonValue | undefined => (isEmpty(data) ? undefined : parseJson(data));
