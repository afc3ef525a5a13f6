import { request } from "node:http";
import type { Duplex } from "node:stream";

/** The answer to an upgrade. After a 101 `socket` is open, and the caller must destroy it. */
export interface UpgradeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly socket: Duplex | undefined;
}

const STREAM_HEADERS = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": Buffer.from("0123456789abcdef").toString("base64"),
  "sec-websocket-protocol": "sluice.v1",
};

/** A WebSocket handshake by hand, so that refusals can be read. `headers` replace those of a valid one. */
export function upgrade(
  gatewayUrl: string,
  options: { readonly path?: string; readonly method?: string; readonly headers?: Record<string, string> } = {},
): Promise<UpgradeAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${gatewayUrl}${options.path ?? "/v1/stream"}`, {
      method: options.method ?? "GET",
      headers: { ...STREAM_HEADERS, ...options.headers },
      agent: false,
    });
    sent.on("upgrade", ({ statusCode = 0, headers }, socket) => {
      socket.on("error", () => {});
      resolve({ status: statusCode, headers, body: "", socket });
    });
    sent.on("response", (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, socket: undefined }),
      );
    });
    sent.on("error", reject);
    sent.end();
  });
}
