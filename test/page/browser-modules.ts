/** The page's own modules. They are plain JavaScript, so what the tests use of them is said here. */
const load = (file: string) => import(new URL(`../../src/page/static/${file}`, import.meta.url).pathname);

interface DialectReader {
  bodyFor(dialect: string, prompt: string): Record<string, unknown>;
  readEvent(dialect: string, data: unknown): { kind: "text" | "thinking" | "tool"; text: string } | undefined;
}

/** A model as the page lists it. */
interface PageModel {
  readonly alias: string;
  readonly name: string;
  readonly route: string;
  readonly dialect: string;
}

interface PageClient {
  readonly name: string;
  readonly group: string;
}

interface ClientsModule {
  readonly CLIENTS: readonly PageClient[];
  snippetOf(
    client: PageClient,
    http: string,
    models: readonly PageModel[],
  ): { readonly text?: string; readonly missing?: string };
}

export const loadDialectReader = (): Promise<DialectReader> => load("dialect-reader.js");
export const loadClients = (): Promise<ClientsModule> => load("clients.js");

/** The view of a connection's newest frames, over as much of an `ol` as a test has. */
export const loadFrameView = async (): Promise<
  new (
    list: object,
  ) => { add(direction: "sent" | "received", text: string): void }
> => (await load("frame-view.js")).FrameView;
