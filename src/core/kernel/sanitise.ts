/** Control characters, line breaks and bidirectional controls, which would forge log lines or command a terminal. */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu;

/** Replaces them with spaces, so that foreign text is safe in a log line, an error message and a terminal. */
export const sanitise = (text: string): string => text.replace(UNPRINTABLE, " ");
