import { readdirSync, realpathSync } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/** A file whose content any number of slow clients may be reading, so that it is in memory once. */
interface FileInUse {
  /** Changes with the content. */
  readonly version: string;
  reading: Promise<Buffer> | undefined;
  content: WeakRef<Buffer> | undefined;
}

/**
 * The regular files below a directory, which may be a symbolic link itself. Links inside it are not followed: they may
 * lead to private files or form a loop.
 */
export class OwnFiles {
  readonly #root: string;
  readonly #names = new Set<string>();
  /** By name. */
  readonly #inUse = new Map<string, FileInUse>();

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
    if (!this.has(name) || (await realpath(path)) !== path) return undefined;
    const { mtimeMs, size } = await stat(path);
    const version = `${mtimeMs} ${size}`;
    const known = this.#inUse.get(name);
    const file = known?.version === version ? known : { version, reading: undefined, content: undefined };
    this.#inUse.set(name, file);
    return file.content?.deref() ?? (await this.#readOnce(file, path));
  }

  #readOnce(file: FileInUse, path: string): Promise<Buffer> {
    file.reading ??= readFile(path)
      .then((content) => {
        file.content = new WeakRef(content);
        return content;
      })
      .finally(() => {
        file.reading = undefined;
      });
    return file.reading;
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
