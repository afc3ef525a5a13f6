import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "../network/free-port.ts";

const PROGRAM = "redis-server";
/** Whether there is a server to run. */
export const CAN_RUN = spawnSync(PROGRAM, ["--version"]).status === 0;

/** A Redis of the tests' own, without persistence unless asked for, on a free port of loopback. */
export class TestRedis implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #options: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, options: readonly string[]) {
    this.port = port;
    this.#folder = mkdtempSync(join(tmpdir(), "sluice-redis-"));
    this.#options = options;
  }

  static async start(...options: readonly string[]): Promise<TestRedis> {
    const redis = new TestRedis(await freePort(), options);
    await redis.resume();
    return redis;
  }

  /** Speaks TLS only, with this certificate and key, which are files. */
  static async startOverTls(certificate: string, key: string): Promise<TestRedis> {
    const port = await freePort();
    const files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no"];
    const redis = new TestRedis(port, ["--port", "0", "--tls-port", String(port), ...files]);
    await redis.resume();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, again; resolves once it answers. */
  async resume(): Promise<void> {
    const where = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.#folder, "--save", ""];
    this.#child = spawn(PROGRAM, [...where, ...this.#options], { stdio: ["ignore", "pipe", "ignore"] });
    if (!this.#child.stdout) throw new Error("no output");
    const lines: string[] = [];
    for await (const line of createInterface(this.#child.stdout)) {
      lines.push(line);
      if (!line.includes("Ready to accept")) continue;
      this.#child.stdout.resume();
      return;
    }
    throw new Error(`redis-server ended: ${lines.slice(-3).join("\n")}`);
  }

  /** What `redis-cli` prints for a command. */
  async ask(...command: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)("redis-cli", ["-p", String(this.port), ...command]);
    return stdout.trim();
  }

  /** A replica that has all that this one has now, and then takes over: it takes writes, and follows nobody. */
  async promoteReplica(): Promise<TestRedis> {
    await using made = new AsyncDisposableStack();
    const replica = made.use(await TestRedis.start("--replicaof", "127.0.0.1", String(this.port)));
    await replica.#replicates();
    await replica.ask("REPLICAOF", "NO", "ONE");
    made.move();
    return replica;
  }

  /** Stops its process: it accepts, answers nothing, and loses nothing. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  /** Lets it go on. */
  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Kills it: what it did not write is lost. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #replicates(): Promise<void> {
    for (let looks = 0; looks < 100; looks++) {
      if ((await this.ask("INFO", "replication")).includes("master_link_status:up")) return;
      await setTimeout(100);
    }
    throw new Error("it does not replicate");
  }
}
