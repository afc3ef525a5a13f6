import { createHash } from "node:crypto";

/** Lua for a script to begin with: `nowMs()`, the time of Redis' clock in milliseconds. */
export const NOW_MS = `
local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`;

/** A Lua script that Redis runs as one step: nothing comes between its commands. */
export class Script {
  readonly source: string;
  /** What Redis knows it by, once it has run. */
  readonly sha1: string;

  constructor(source: string) {
    this.source = source;
    this.sha1 = createHash("sha1").update(source).digest("hex");
  }
}
