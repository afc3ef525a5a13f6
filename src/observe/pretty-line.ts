import { type PrettyOptions, prettyFactory } from "pino-pretty";
import { isObject } from "../core/json.ts";

/** Turns JSON lines into lines for people: the time, the level, the event, then its fields as `name=value`. */
export function prettyLines(colour: boolean): (line: string) => string {
  const options: PrettyOptions = {
    colorize: colour,
    translateTime: "SYS:HH:MM:ss.l",
    hideObject: true,
    // Fields that pino-pretty would print in places of its own.
    ignore: "caller,name",
    messageKey: "event",
    messageFormat: (line) => fieldsOf(line),
  };
  return prettyFactory(options);
}

function fieldsOf({ level: _level, time: _time, event, ...fields }: Readonly<Record<string, unknown>>): string {
  return [event, ...pairs(fields, "")].join(" ");
}

function pairs(fields: Readonly<Record<string, unknown>>, prefix: string): string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (isObject(value)) return pairs(value, `${prefix}${name}.`);
    return `${prefix}${name}=${Array.isArray(value) ? value.join(",") : value}`;
  });
}
