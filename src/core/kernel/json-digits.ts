const ZERO = 0x30;
const NINE = 0x39;
const POINT = 0x2e;
const MINUS = 0x2d;
const PLUS = 0x2b;
const EXPONENT = 0x65;
const LOWER_CASE = 0x20;

/** Decimal numbers of up to this many digits survive a double unchanged (IEEE 754). */
const EXACT_DIGITS = 15;
/** JavaScript writes fractions with more leading zeros with an exponent (Number::toString). */
const LEADING_ZEROS = 5;

/** Whether a JSON number can begin with this character code. */
export const beginsNumber = (character: number): boolean =>
  (character >= ZERO && character <= NINE) || character === MINUS;

/**
 * The end offset of the number at `start` in a JSON text. Returns its complement (`~end`) if `JSON.stringify` might write the
 * parsed number differently.
 */
export function numberEnd(text: string, start: number): number {
  let digits = 0;
  let pointAt = -1;
  let firstAt = -1;
  let isOdd = false;
  let at = start;
  for (; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character >= ZERO && character <= NINE) {
      digits++;
      if (firstAt < 0 && character !== ZERO) firstAt = at;
    } else if (character === POINT) pointAt = at;
    else if ((character | LOWER_CASE) === EXPONENT) isOdd = true;
    else if (character !== MINUS && character !== PLUS) break;
  }
  if (digits > EXACT_DIGITS) isOdd = true;
  else if (pointAt >= 0) {
    isOdd ||= text.charCodeAt(at - 1) === ZERO || (firstAt > pointAt && firstAt - pointAt > LEADING_ZEROS + 1);
  } else if (firstAt < 0 && text.charCodeAt(start) === MINUS) isOdd = true;
  return isOdd ? ~at : at;
}
