const ZERO = 48;
const SMALL = 10_000_000;
const SMALL_DIGITS = 7;

/** Writes a whole number below 10^15 with leading zeros. */
export function writeDigits(target: Uint8Array, at: number, width: number, value: number): void {
  let left = width;
  let rest = value;
  // Numbers beyond 31 bits divide slowly: take seven digits at a time.
  while (left > SMALL_DIGITS) {
    const high = Math.floor(rest / SMALL);
    writeSmall(target, at + left - SMALL_DIGITS, SMALL_DIGITS, rest - high * SMALL);
    rest = high;
    left -= SMALL_DIGITS;
  }
  writeSmall(target, at, left, rest);
}

function writeSmall(target: Uint8Array, at: number, width: number, value: number): void {
  let rest = value | 0;
  for (let index = at + width - 1; index >= at; index--) {
    const tenth = (rest / 10) | 0;
    target[index] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
}

/** Reads digits; NaN if one of them is not a digit. */
export function readDigits(source: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let index = at; index < at + width; index++) {
    const digit = (source[index] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
