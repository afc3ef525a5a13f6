import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../network/free-port.ts";

/** Where Debian, and others, put the server's programs. */
const FOLDERS = ["/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt"];

/** The folder of the newest server's programs; undefined if there is none. */
function findPrograms(): string | undefined {
  const versions = FOLDERS.filter(existsSync).flatMap((folder) =>
    readdirSync(folder).map((name) => join(folder, name, "bin")),
  );
  return versions.sort().findLast((folder) => existsSync(join(folder, "initdb")));
}

const PROGRAMS = findPrograms();

/** Who may run the server: it refuses to run as root. */
const USER = process.getuid?.() === 0 ? idsOf("postgres") : undefined;

function idsOf(name: string): { readonly uid: number; readonly gid: number } | undefined {
  const ask = (flag: string) => Number(spawnSync("id", [flag, name], { encoding: "utf8" }).stdout.trim() || Number.NaN);
  const [uid, gid] = [ask("-u"), ask("-g")];
  return Number.isInteger(uid) && Number.isInteger(gid) ? { uid, gid } : undefined;
}

/** In the server's temporary directory. */
const DATA = "data";

/** Whether there is a server to run, and a user that it runs as. */
export const CAN_RUN = PROGRAMS !== undefined && (process.getuid?.() !== 0 || USER !== undefined);

/** A PostgreSQL server of the tests' own, in a temporary directory, on a free port of loopback. */
export class TestPostgres {
  readonly port: number;
  readonly #folder: string;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  /** Makes a cluster and starts it: two seconds. */
  static async start(): Promise<TestPostgres> {
    const folder = mkdtempSync(join(tmpdir(), "sluice-postgres-"));
    if (USER) chownSync(folder, USER.uid, USER.gid);
    const as = ["--username=sluice", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
    run("initdb", ["-D", join(folder, DATA), ...as]);
    // Chosen last: another suite may not take it for free in the seconds before the server listens there.
    const server = new TestPostgres(folder, await freePort());
    await server.resume();
    return server;
  }

  get #data(): string {
    return join(this.#folder, DATA);
  }

  /** Where a schema of this server is. */
  options(schema: string) {
    return { url: this.url, schema, connections: 4 };
  }

  get url(): string {
    return `postgres://sluice@127.0.0.1:${this.port}/postgres`;
  }

  /** Starts it again; resolves once it answers. What it wrote outlives it, but no crash of the machine (`-F`): disks are slow. */
  async resume(): Promise<void> {
    const options = `-F -p ${this.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${this.#folder}`;
    await control(["-D", this.#data, "-o", options, "-l", join(this.#folder, "log"), "-w", "start"]);
  }

  /** Changes settings, such as `ssl`, for all connections from now on. */
  configure(settings: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(settings)) this.ask(`ALTER SYSTEM SET ${name} = '${value}'`);
    this.#reload();
  }

  /** Puts a rule before those that admit clients (`pg_hba.conf`). */
  admit(rule: string): void {
    const file = join(this.#data, "pg_hba.conf");
    writeFileSync(file, `${rule}\n${readFileSync(file, "utf8")}`);
    this.#reload();
  }

  /** Returns once new connections are made with what the files say. */
  #reload(): void {
    const loadedAt = () => this.ask("SELECT pg_conf_load_time()");
    const before = loadedAt();
    this.ask("SELECT pg_reload_conf()");
    while (loadedAt() === before);
  }

  /** A file that only the server can read. Returns its path. */
  file(name: string, content: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    if (USER) chownSync(path, USER.uid, USER.gid);
    return path;
  }

  /** Stops it at once, as a crash does: connections break, and it recovers at the next start. */
  async kill(): Promise<void> {
    await control(["-D", this.#data, "-m", "immediate", "-w", "stop"]);
  }

  /** What `psql` prints for a statement. */
  ask(statement: string): string {
    return run("psql", [this.url, "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement]).trim();
  }

  stop(): void {
    spawnSync(join(PROGRAMS ?? "", "pg_ctl"), ["-D", this.#data, "-m", "immediate", "stop"], { ...USER });
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const pathOf = (program: string): string => join(PROGRAMS ?? "", program);

const run = (program: string, args: readonly string[]): string =>
  execFileSync(pathOf(program), args, { ...USER, cwd: tmpdir(), encoding: "utf8" });

/** Runs `pg_ctl`, whose server takes over its output: nobody reads that. */
const control = (args: readonly string[]): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const child = spawn(pathOf("pg_ctl"), args, { ...USER, cwd: tmpdir(), stdio: "ignore" });
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve(code) : reject(new Error(`pg_ctl ended with ${code}`))));
  });
