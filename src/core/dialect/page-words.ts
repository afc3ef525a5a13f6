/** Most characters of a page that are read. */
const MAX_PAGE = 16_384;
const MAX_WORDS = 1_000;

/** Titles without information. */
const EMPTY_TITLE = /^(?:error|oops)?\W*$/i;
const UNSEEN = /<!--[\s\S]*?-->|<(head|title|script|style|svg)\b[\s\S]*?<\/\1\s*>/gi;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

/**
 * The visible text of an HTML page or XML document on one line: the content of a `Message` element, else the title, else,
 * if the title carries no information, the body text.
 */
export function pageWords(page: string): string {
  const text = page.slice(0, MAX_PAGE);
  const element = (name: string) => plain(new RegExp(`<${name}\\b[^<>]*>([^<]*)<`, "i").exec(text)?.[1] ?? "");
  const message = element("message");
  if (message !== "") return message;
  const title = element("title");
  if (!EMPTY_TITLE.test(title)) return title;
  const body = plain(text.replace(UNSEEN, " ").replace(/<[^<>]*>/g, " "));
  return title === "" ? body : `${title}: ${body}`;
}

const plain = (text: string): string =>
  text
    .replace(/&(#\d{1,7}|#x[\da-f]{1,6}|[a-z]{2,4});/gi, (entity, name: string) => character(name) ?? entity)
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, MAX_WORDS);

function character(name: string): string | undefined {
  if (!name.startsWith("#")) return ENTITIES[name.toLowerCase()];
  const code = Number(name.toLowerCase().startsWith("#x") ? `0${name.slice(1)}` : name.slice(1));
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}
