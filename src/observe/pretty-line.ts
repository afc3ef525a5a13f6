import { styleText } from "node:util";
import { isObject } from "../core/kernel/json.ts";
import { sanitise } from "../core/kernel/sanitise.ts";

const COLOURS = { debug: "blue", info: "green", warn: "yellow", error: "red" } as const;

/** Turns JSON lines into readable ones: local time, level, event, then the fields as `name=value`. */
export function prettyLines(colour: boolean): (line: string) => string {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  return (line) => {
    const { level, time, event, ...fields } = JSON.parse(line);
    const style = COLOURS[level as keyof typeof COLOURS] ?? "red";
    const said = sanitise([event, ...pairs(fields, "")].join(" "));
    return `[${timeOfDay(new Date(time))}] ${paint(style, String(level).toUpperCase())}: ${paint("cyan", said)}\n`;
  };
}

function timeOfDay(time: Date): string {
  const two = (figure: number) => String(figure).padStart(2, "0");
  const seconds = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  return `${seconds}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

/** Fields as `name=value`, nested ones as `outer.inner=value`. */
export function pairs(fields: Readonly<Record<string, unknown>>, prefix: string): string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (isObject(value)) return pairs(value, `${prefix}${name}.`);
    return `${prefix}${name}=${Array.isArray(value) ? value.join(",") : value}`;
  });
}
