// Cuts its own socket every 100 events; the loop does not notice: npx node examples/resume.ts [model] [prompt]
import { connect } from "../src/client/index.ts";

const [model = "demo", prompt = "500 tokens at 5 ms: [[500x5]]"] = process.argv.slice(2);
const { SLUICE_URL: url = "http://127.0.0.1:18789", SLUICE_TOKEN: token = "" } = process.env;
let socket: WebSocket | undefined;
let cuts = 0;

/** The platform's WebSocket, within reach. */
class Reachable extends WebSocket {
  constructor(address: string, protocols: string[]) {
    super(address, protocols);
    socket = this;
  }
}

const sluice = connect({ url, token, WebSocket: Reachable });
const stream = sluice.open({ model, body: { max_tokens: 1024, messages: [{ role: "user", content: prompt }] } });
let last = 0;
for await (const { seq, text } of stream) {
  if (seq !== last + 1) throw new Error(`event ${seq} follows ${last}`);
  last = seq;
  process.stdout.write(text);
  if (seq % 100 !== 0) continue;
  console.log(`\n[cut ${++cuts}, after event ${seq}]`);
  socket?.close();
}
console.log(`\n${last} of ${(await stream.end).lastSeq} events despite ${cuts} cuts`);
sluice.close();
