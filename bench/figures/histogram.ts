/** Integers up to here have a bucket each; above, each power of two is split into as many buckets as there are below it. */
const EXACT = 2048;
const HALF = EXACT / 2;
const HALF_BITS = 10;
const LARGEST = 2 ** 31 - 1;
const BUCKETS = 20 * HALF + EXACT;

/** A histogram as plain data: bucket indexes and their counts, alternating. */
export interface HistogramData {
  readonly buckets: readonly number[];
  readonly max: number;
  readonly min: number;
}

/** Counts integers (here: microseconds) in log-linear buckets, accurate to a thousandth of the value. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #max = 0;
  #min = Number.POSITIVE_INFINITY;

  static from(data: HistogramData): Histogram {
    const histogram = new Histogram();
    histogram.add(data);
    return histogram;
  }

  get count(): number {
    return this.#count;
  }

  get max(): number {
    return this.#max;
  }

  get min(): number {
    return this.#count === 0 ? 0 : this.#min;
  }

  record(value: number): void {
    const whole = value <= 0 ? 0 : value >= LARGEST ? LARGEST : Math.round(value);
    const index = bucketOf(whole);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#count++;
    if (whole > this.#max) this.#max = whole;
    if (whole < this.#min) this.#min = whole;
  }

  /** The value that a `share` (0 to 1) of all values do not exceed; 0 if there are none. */
  quantile(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.#counts[index] ?? 0;
      if (seen >= wanted) return Math.min(this.#max, Math.max(this.#min, middleOf(index)));
    }
    return this.#max;
  }

  mean(): number {
    let sum = 0;
    for (let index = 0; index < BUCKETS; index++) sum += (this.#counts[index] ?? 0) * middleOf(index);
    return this.#count === 0 ? 0 : sum / this.#count;
  }

  /** Adds another histogram's counts. */
  add(data: HistogramData): void {
    for (let at = 0; at < data.buckets.length; at += 2) {
      const index = data.buckets[at] ?? 0;
      const count = data.buckets[at + 1] ?? 0;
      this.#counts[index] = (this.#counts[index] ?? 0) + count;
      this.#count += count;
    }
    if (data.buckets.length === 0) return;
    this.#max = Math.max(this.#max, data.max);
    this.#min = Math.min(this.#min, data.min);
  }

  toData(): HistogramData {
    const buckets: number[] = [];
    for (let index = 0; index < BUCKETS; index++) {
      const count = this.#counts[index] ?? 0;
      if (count > 0) buckets.push(index, count);
    }
    return { buckets, max: this.#max, min: this.min };
  }
}

function bucketOf(value: number): number {
  if (value < EXACT) return value;
  const shift = 31 - Math.clz32(value) - HALF_BITS;
  return shift * HALF + (value >>> shift);
}

function middleOf(index: number): number {
  if (index < EXACT) return index;
  const shift = (index >>> HALF_BITS) - 1;
  const low = (index - shift * HALF) * 2 ** shift;
  return low + 2 ** (shift - 1);
}
