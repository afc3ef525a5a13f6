// Serves the page and passes /v1/chat on to the gateway. The page needs no key: it is added here, if there is one.
import { createServer } from "vite";

const { SLUICE_URL: url = "ws://127.0.0.1:18789", SLUICE_TOKEN: token, PORT: port = "5173" } = process.env;
const server = await createServer({
  root: import.meta.dirname,
  server: {
    host: "127.0.0.1",
    port: Number(port),
    proxy: {
      "/v1/chat": {
        // The page's origin becomes this one, which has no path and no ws: scheme.
        target: new URL(url.replace(/^ws/, "http")).origin,
        ws: true,
        changeOrigin: true,
        rewriteWsOrigin: true,
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      },
    },
  },
});
await server.listen();
server.printUrls();
