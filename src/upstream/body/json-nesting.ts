/**
 * Whether a text that begins like a JSON object, list or string is closed or still open; `none` for other texts. Only
 * brackets and strings are checked, so slightly invalid JSON (`NaN`, raw control characters) is recognised as closed too.
 */
export function jsonNesting(text: string): "none" | "open" | "closed" {
  if (!/^\s*[[{"]/.test(text)) return "none";
  let depth = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (isString && character === "\\") at++;
    else if (character === '"') isString = !isString;
    else if (isString) continue;
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
  }
  return isString || depth > 0 ? "open" : "closed";
}
