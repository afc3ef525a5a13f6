/**
 * Whether a text that begins as JSON with brackets or quotes also ends them: `none` where it does not begin so. Brackets
 * and strings are all that is looked at, so JSON that is a little wrong (`NaN`, raw control characters) has its end too.
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
