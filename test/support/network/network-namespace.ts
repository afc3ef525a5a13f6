import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";

const ip = (...args: readonly string[]): void => void execFileSync("ip", args, { stdio: "pipe" });

/**
 * A network of four addresses for each process, from the range reserved for benchmarks between networks (RFC 2544):
 * another run at the same time, or what a killed one left, must not have the same.
 */
const address = (host: number): string => {
  const network = process.pid % 16_384;
  return `198.18.${network >> 6}.${((network & 63) << 2) + host}`;
};
const HERE = address(1);
const THERE = address(2);

/** Why network namespaces are unavailable here; undefined if they are available. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== "linux") return "network namespaces need Linux";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  try {
    const name = `sluice-try-${process.pid}`;
    ip("netns", "add", name);
    ip("netns", "del", name);
    return undefined;
  } catch {
    return "network namespaces need the ip command and the right to use it";
  }
}

/** A network with one other machine and a cable that can be cut. */
export class NetworkNamespace implements AsyncDisposable {
  /** This machine's address on the cable. */
  readonly here = HERE;
  readonly #name = `sluice-${process.pid}`;
  readonly #cable = `slu${process.pid}`;
  readonly #children: ChildProcess[] = [];

  constructor() {
    ip("netns", "add", this.#name);
    ip("link", "add", this.#cable, "type", "veth", "peer", "name", "cable", "netns", this.#name);
    ip("addr", "add", `${HERE}/30`, "dev", this.#cable);
    ip("link", "set", this.#cable, "up");
    ip("-n", this.#name, "addr", "add", `${THERE}/30`, "dev", "cable");
    ip("-n", this.#name, "link", "set", "cable", "up");
  }

  /** Runs a module's text with Node on the other machine. */
  run(
    source: string,
    args: readonly string[],
  ): ChildProcess & { readonly stdout: NonNullable<ChildProcess["stdout"]> } {
    const node = [process.execPath, "--input-type=module", "-e", source, ...args];
    const child = spawn("ip", ["netns", "exec", this.#name, ...node], { stdio: ["ignore", "pipe", "inherit"] });
    this.#children.push(child);
    return child;
  }

  /** From now on nothing arrives, silently. */
  cut(): void {
    ip("-n", this.#name, "link", "set", "cable", "down");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }
    ip("link", "del", this.#cable);
    ip("netns", "del", this.#name);
  }
}
