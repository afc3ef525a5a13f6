/** How many events differ: a power of two, so that bursts of 64, 128 or 256 begin with the same one each time. */
export const VARIETY = 64;

/** Pieces of text as a model's tokens come: short and long, with what JSON escapes and what UTF-8 spends more bytes on. */
const WORDS: readonly string[] = [
  " the",
  " stream",
  ".",
  " gateway",
  ",",
  " relays",
  "\n\n",
  " every",
  " event",
  " as",
  " it",
  " arrives",
  " —",
  " which",
  " naïve",
  " bridges",
  ' "',
  "do",
  '"',
  " not",
  " 你好",
  " understanding",
  " (",
  "a",
  ")",
  " 42",
  "**",
  " café",
  " backpressure",
  "'s",
  " on",
];

/** The word of an event. The number of words and the variety have no common divisor, so neighbours differ. */
export const wordOf = (variant: number): string => WORDS[(variant * 7) % WORDS.length] ?? "";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Letters that look random, the same for a seed each time, so that client and upstream agree on them. */
export function noise(seed: number, length: number): string {
  let state = (seed + 1) * 2_654_435_761;
  let text = "";
  for (let index = 0; index < length; index++) {
    // Numerical Recipes' generator modulo 2^32, of which the high bits are used.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += LETTERS[(state >>> 16) % LETTERS.length];
  }
  return text;
}
