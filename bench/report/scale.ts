/** Maps values onto a length, and says where to draw lines. */
export interface Scale {
  at(value: number): number;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
}

const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

const tick = (value: number) => ({ value, label: SHORT.format(value) });

/** From 0 to a round number above the largest value. */
export function linearScale(values: readonly number[], length: number): Scale {
  const largest = Math.max(...values, 1e-9);
  const power = 10 ** Math.floor(Math.log10(largest));
  const step = [0.2, 0.5, 1, 2].map((part) => part * power).find((size) => largest / size <= 6) ?? 2 * power;
  const top = Math.ceil(largest / step) * step;
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => tick(index * step));
  return { at: (value) => (value / top) * length, ticks };
}

/** Powers of ten around the values; values not above 0 are drawn at the left end. */
export function logScale(values: readonly number[], length: number): Scale {
  const positive = values.filter((value) => value > 0);
  const from = Math.floor(Math.log10(Math.min(...positive, 1e9)));
  const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...positive, 1e-9))));
  const ticks = Array.from({ length: to - from + 1 }, (_, index) => tick(10 ** (from + index)));
  return {
    at: (value) => (value <= 0 ? 0 : Math.max(0, ((Math.log10(value) - from) / (to - from)) * length)),
    ticks,
  };
}

/** Names at equal distances; the value is the name's index. */
export function nameScale(names: readonly string[], length: number): Scale {
  const width = length / Math.max(1, names.length);
  return {
    at: (value) => (value + 0.5) * width,
    ticks: names.map((label, value) => ({ value, label })),
  };
}
