import { createHash } from "node:crypto";

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
