/** The directives of a prompt, which docs/demo.md lists. */
export interface Directives {
  /** `[[NxM]]`: N tokens at M milliseconds each. */
  readonly flow?: { readonly tokens: number; readonly tokenMs: number };
  /** `[[slow]]`: 2.5 s to the first token, then 400 ms each. */
  readonly slow: boolean;
  /** `[[cut]]`: closes the socket in the middle of the answer. */
  readonly cut: boolean;
  /** `[[error]]`: an error event in the middle of the answer; `[[error 429]]`: that HTTP status instead of an answer. */
  readonly error?: { readonly status: number | undefined };
}

/** Enough for any test of flow control; bounds the memory of a request. */
const MAX_TOKENS = 100_000;
const MAX_TOKEN_MS = 60_000;

const DIRECTIVE = /\[\[\s*(?:(\d{1,6})\s*x\s*(\d{1,5})|(slow|cut)|error(?:\s+([45]\d\d))?)\s*\]\]/gi;

/** Reads the directives of a prompt; `rest` is the prompt without them. */
export function readDirectives(prompt: string): { readonly directives: Directives; readonly rest: string } {
  let found: Directives = { slow: false, cut: false };
  for (const [, tokens, tokenMs, word, status] of prompt.matchAll(DIRECTIVE)) {
    if (tokens !== undefined) {
      const flow = { tokens: Math.min(Number(tokens), MAX_TOKENS), tokenMs: Math.min(Number(tokenMs), MAX_TOKEN_MS) };
      found = { ...found, flow };
    } else if (word === undefined) {
      found = { ...found, error: { status: status === undefined ? undefined : Number(status) } };
    } else {
      found = { ...found, [word.toLowerCase()]: true };
    }
  }
  return { directives: found, rest: prompt.replace(DIRECTIVE, " ").replace(/\s+/g, " ").trim() };
}
