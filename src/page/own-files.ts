import { readdirSync, realpathSync } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import { join } from "node:path";

/**
 * The ordinary files below a directory, which may be a link itself. Links in it are not followed, neither to files nor to
 * directories: what they lead to was never meant to be read by everybody, and they may lead round.
 */
export class OwnFiles {
  readonly #root: string;
  readonly #names = new Set<string>();

  /** Throws what the file system says when the directory cannot be read. */
  constructor(directory: string) {
    this.#root = realpathSync(directory);
    this.#walk("");
  }

  /** Whether there was an ordinary file of this name, such as `assets/app.js`, at the start. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** What is in it now; undefined when it is none of the files, or a link took its place or its directory's. */
  async read(name: string): Promise<Buffer | undefined> {
    const path = join(this.#root, name);
    return this.has(name) && (await realpath(path)) === path ? readFile(path) : undefined;
  }

  #walk(below: string): void {
    // Not `recursive`: that walks into linked directories.
    for (const entry of readdirSync(join(this.#root, below), { withFileTypes: true })) {
      const name = `${below}${entry.name}`;
      if (entry.isDirectory()) this.#walk(`${name}/`);
      else if (entry.isFile()) this.#names.add(name);
    }
  }
}
