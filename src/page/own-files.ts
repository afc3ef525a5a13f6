import { readdirSync, realpathSync } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import { join } from "node:path";

/**
 * The regular files below a directory, which may be a symbolic link itself. Links inside it are not followed: they may
 * lead to private files or form a loop.
 */
export class OwnFiles {
  readonly #root: string;
  readonly #names = new Set<string>();

  /** Throws the file system's error if the directory cannot be read. */
  constructor(directory: string) {
    this.#root = realpathSync(directory);
    this.#walk("");
  }

  /** Whether there was a regular file of this name, such as `assets/app.js`, at the start. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** The present content of a file; undefined if there is none, or if a link has replaced it or its directory. */
  async read(name: string): Promise<Buffer | undefined> {
    const path = join(this.#root, name);
    return this.has(name) && (await realpath(path)) === path ? readFile(path) : undefined;
  }

  #walk(below: string): void {
    // Not `recursive`, which follows links to directories.
    for (const entry of readdirSync(join(this.#root, below), { withFileTypes: true })) {
      const name = `${below}${entry.name}`;
      if (entry.isDirectory()) this.#walk(`${name}/`);
      else if (entry.isFile()) this.#names.add(name);
    }
  }
}
