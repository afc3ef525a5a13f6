import { StringDecoder } from "node:string_decoder";

/** The longest line of a log, in characters: what is longer comes in pieces. */
const MAX_LINE = 1024 * 1024;

/** Cuts what a process writes into whole lines with their ends. What follows the last end is lost with the process. */
export function wholeLines(write: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  return (chunk) => {
    const lines = (rest + decoder.write(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) write(`${line}\n`);
    if (rest.length <= MAX_LINE) return;
    write(`${rest}\n`);
    rest = "";
  };
}
