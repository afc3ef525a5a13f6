import { NAUGHTY_STRINGS } from "./naughty-strings.ts";

/** Text that has broken programs, for places where a client or an upstream gives a name. */
export const NASTY_STRINGS: readonly string[] = [
  ...NAUGHTY_STRINGS,
  // lines and terminals
  'x\n{"level":"error","event":"forged"}',
  "x\r\nSet-Cookie: forged=1",
  "\u0000\u0001\u0007\u0008\u000b\u001f\u007f",
  "\u001b[2J\u001b[31mred\u001b]0;title\u0007",
  "\u009b31m\u0085next line\u0090",
  "\u2028line\u2029paragraph",
  "%0a%0d%00",
  "\\u000a\\n",
  // direction, width, halves of characters
  "\u202egnp.exe\u202c",
  "\u2066isolated\u2069 \u200eleft\u200fright \u061cletter",
  "zero\u200b\u200c\u200dwidth\ufeff",
  "Ṫ̴̢ó̷ ̶i̵n̸v̷o̶k̵e̴",
  "\ud800 a half",
  "\udfff",
  "👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿",
  "İıŞß", // change their length when their case is changed
  // code in other languages
  "'; DROP TABLE sessions; --",
  "' OR '1'='1",
  "1; ATTACH DATABASE '/tmp/x' AS y; --",
  "'||(SELECT sql FROM sqlite_master)||'",
  "%' ESCAPE '\\",
  '"><img src=x onerror=alert(1)>',
  "\u0024{process.env}",
  "{{constructor.constructor('return process')()}}",
  "$(touch /tmp/forged)",
  "`id`; id | id & id",
  "\u0024{jndi:ldap://127.0.0.1/x}",
  "%s%n%d%x%p",
  "%c%o%j",
  "..\\..\\windows",
  "http://169.254.169.254/latest/meta-data/",
  "//evil.com",
  '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
  // words of JavaScript, JSON and HTTP
  "[object Object]",
  "-0",
  "1e400",
  "9007199254740993",
  "\t",
  "{",
  '"}{"',
  "data: x\n\nevent: forged",
  'route="x"} 1\nforged_total 1',
  "a".repeat(100_000),
];

/** Characters that a terminal or a line reader obeys instead of showing. */
export const OBEYED = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;
