// Prints the time to first token, then the text as it streams: npx node examples/first-token.ts [model] [prompt]
import { connect } from "../src/client/index.ts";

const [model = "demo", prompt = "Hello!"] = process.argv.slice(2);
const { SLUICE_URL: url = "http://127.0.0.1:18789", SLUICE_TOKEN: token = "" } = process.env;
const sluice = connect({ url, token });
const sentAt = performance.now();
let isFirst = true;
try {
  const stream = sluice.open({ model, body: { max_tokens: 1024, messages: [{ role: "user", content: prompt }] } });
  for await (const { text } of stream) {
    if (isFirst && text !== "") console.log(`first token after ${(performance.now() - sentAt).toFixed(1)} ms\n`);
    isFirst &&= text === "";
    process.stdout.write(text);
  }
  const { usage, timing } = await stream.end;
  console.log(`\n\n${usage.outputTokens} tokens in ${Math.round(timing.totalMs)} ms`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
}
sluice.close();
