/** How texts and numbers cross between JavaScript and PostgreSQL. */
import { types } from "pg";

/** Types by their number in PostgreSQL: counts, times and sums, all far below 2^53. */
const NUMBERS: ReadonlySet<number> = new Set([20, 1700]);

/** Reads 64-bit integers and decimals as numbers, and all else as the driver does. */
export const typeParsers = {
  getTypeParser: (id: number, format?: "text" | "binary") =>
    NUMBERS.has(id) && format !== "binary" ? Number : types.getTypeParser(id, format as "text"),
};

// A text of PostgreSQL cannot contain U+0000, which clients may send in a name. U+E000, of the private use area, marks
// it, and itself.
const MARK = "\ue000";
const PLAIN = "\ue001";

/** A text as PostgreSQL can store it: any text, lone surrogates as U+FFFD. Different texts stay different. */
export const toColumn = (text: string): string =>
  text.toWellFormed().replace(/[\0\ue000]/g, (each) => (each === MARK ? MARK + PLAIN : MARK + MARK));

/** The text of a column. */
export const fromColumn = (stored: string): string =>
  stored.replace(/\ue000[\ue000\ue001]/g, (pair) => (pair[1] === MARK ? "\0" : MARK));
