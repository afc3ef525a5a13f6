/** Control characters, line ends and what reorders text: somebody else's words end up on terminals and in lines. */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu;

/** The same text on one line, with nothing in it that a terminal obeys. */
export const sanitise = (text: string): string => text.replace(UNPRINTABLE, " ");
