/** A source of numbers from 0 to 1. */
export type Random = () => number;

/** The mulberry32 generator: the same seed gives the same jitter, ids and wording. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Random letters and digits, as in the ids of providers. */
export function randomLetters(random: Random, length: number): string {
  let letters = "";
  while (letters.length < length) letters += LETTERS[Math.floor(random() * LETTERS.length)];
  return letters;
}

/** A random choice. */
export function pick<Choice>(random: Random, choices: readonly [Choice, ...Choice[]]): Choice {
  return choices[Math.floor(random() * choices.length)] ?? choices[0];
}

/** Padding that hides a token's length, as OpenAI sends in `obfuscation`: together they fill 16 characters. */
export const padding = (random: Random, token: string): string => randomLetters(random, 16 - (token.length % 16));
