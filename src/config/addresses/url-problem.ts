/** What a text is that should be a URL of one of these schemes, and is none; undefined if it is one. No part of it is told. */
export function noUrl(text: string, schemes: RegExp): string | undefined {
  const url = URL.parse(text);
  if (url && schemes.test(url.protocol) && url.hostname !== "") return undefined;
  const isMeant = schemes.test(/^[a-z]+:/.exec(text)?.[0] ?? "") && text.includes("@");
  return isMeant
    ? "a text that is no URL; in a password @ : / # ? % are written %40 %3A %2F %23 %3F %25"
    : "another text";
}
