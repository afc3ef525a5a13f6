import { Writable } from "node:stream";
import { createGateway } from "../../../src/compose/gateway.ts";
import type { Gateway } from "../../../src/compose/running.ts";
import { configSchema } from "../../../src/config/schema.ts";

/** Collects a gateway's log lines, parsed; emits `written` after each. */
export class LogLines extends Writable {
  text = "";

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.emit("written");
    done();
  }

  get lines(): Record<string, unknown>[] {
    return this.text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }
}

export interface TestGateway extends Gateway, AsyncDisposable {
  readonly log: LogLines;
}

export interface TestGatewayOptions {
  /** The upstream of every route. */
  readonly upstream?: string;
  /** Replaces the test configuration's top-level keys. */
  readonly config?: Record<string, unknown>;
}

/** A route of each dialect, all to the same scripted upstream, and a model for each. */
function testConfig(upstream: string): Record<string, unknown> {
  const route = (dialect: string, path = "") => ({
    dialect,
    baseUrl: `${upstream}${path}`,
    key: "sk-test-key-of-the-route",
  });
  return {
    listen: { port: 0 },
    demo: false,
    data: { store: "memory" },
    log: { level: "debug", pretty: false },
    routes: {
      anthropic: route("anthropic-messages"),
      chat: route("openai-chat", "/v1"),
      responses: route("openai-responses", "/v1"),
      gemini: route("google-gemini", "/v1beta"),
      plain: route("plain-sse", "/events"),
    },
    models: {
      claude: { route: "anthropic", model: "claude-test", price: { input: 3, output: 15 }, contextWindow: 200_000 },
      gpt: { route: "chat", model: "gpt-test" },
      responses: { route: "responses", model: "responses-test" },
      gemini: { route: "gemini", model: "gemini-test" },
      plain: { route: "plain", model: "plain-test" },
    },
  };
}

/** The real gateway on a free port, over a scripted upstream (without one, calls fail `upstream_unreachable`). */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const log = new LogLines();
  const input = { ...testConfig(options.upstream ?? "http://127.0.0.1:1"), ...options.config };
  // Does not wait for streams that a test leaves running, and ignores the load of a busy test machine.
  const limits = input.limits as { readonly streams?: object } | undefined;
  input.limits = { drainMs: 1, ...limits, streams: { loopDelayMs: 60_000, ...limits?.streams } };
  const sources = { env: {}, readFile: () => "" };
  const gateway = await createGateway(configSchema(sources).parse(input), {
    version: "0.0.0-test",
    pid: process.pid,
    logTo: log,
  });
  return Object.assign(gateway, { log, [Symbol.asyncDispose]: () => gateway.close() });
}
