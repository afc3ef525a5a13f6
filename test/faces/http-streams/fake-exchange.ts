import type { HttpExchange } from "../../../src/core/ports/http-face.ts";

/** A request without a socket, and what its face answered. */
export class FakeExchange implements HttpExchange {
  readonly id = "c_1";
  readonly caller: { readonly name: string };
  readonly method: string;
  readonly path: string;
  status: number | undefined;
  text = "";
  readonly #query: Readonly<Record<string, string>>;

  constructor(caller: string, method: string, path: string, query: Readonly<Record<string, string>> = {}) {
    this.caller = { name: caller };
    this.method = method;
    this.path = path;
    this.#query = query;
  }

  get queryPairs(): readonly (readonly [name: string, value: string])[] {
    return Object.entries(this.#query);
  }

  query(name: string): string | undefined {
    return this.#query[name];
  }

  header(): undefined {}
  onClose(): void {}
  body(): void {}
  upload() {
    return { pause() {}, resume() {} };
  }
  refuse(): void {}
  abort(): void {}

  respond({ status, body }: { readonly status: number; readonly body: string }): void {
    this.status = status;
    this.text = body;
  }

  stream({ status }: { readonly status: number }) {
    this.status = status;
    return {
      writable: true,
      write: (text: string) => {
        this.text += text;
      },
      end() {},
    };
  }
}
