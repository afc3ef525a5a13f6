import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

export interface HoldingProxy extends AsyncDisposable {
  readonly port: number;
  /** From now on, holds what the server sends until its end or `release`, then sends it in one piece. */
  readonly hold: () => void;
  readonly release: () => void;
  /** Whether data is being held. */
  readonly held: Promise<void>;
}

/** Forwards bytes to a local server and back; can hold the responses. */
export async function holdingProxy(port: number): Promise<HoldingProxy> {
  let isHeld = false;
  let release = () => {};
  const { promise: isHolding, resolve: holds } = Promise.withResolvers<void>();
  const server = createServer((inward) => {
    const outward = connect(port, "127.0.0.1");
    const held: Buffer[] = [];
    release = () => {
      isHeld = false;
      inward.write(Buffer.concat(held.splice(0)));
    };
    inward.on("error", () => {}).pipe(outward.on("error", () => {}));
    outward.on("data", (bytes) => {
      if (!isHeld) return void inward.write(bytes);
      held.push(bytes);
      holds();
    });
    outward.on("end", () => {
      isHeld = false;
      inward.end(Buffer.concat(held));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    hold: () => {
      isHeld = true;
    },
    release: () => release(),
    held: isHolding,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}
