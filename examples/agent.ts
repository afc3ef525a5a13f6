// An agent whose answers survive its link and its gateway: npx node examples/agent.ts [model] [question]...
import { connect, SluiceError } from "../src/client/index.ts";

const [model = "demo", ...questions] = process.argv.slice(2);
const { SLUICE_URL: url = "http://127.0.0.1:18789", SLUICE_TOKEN: token = "" } = process.env;
const sluice = connect({ url, token });
const messages: { role: string; content: string }[] = [];

async function ask(): Promise<string> {
  try {
    return await sluice.open({ model, body: { max_tokens: 1024, messages } }).text();
  } catch (error) {
    // A dead link never gets here. A restarted gateway has lost what it was answering, so the question is asked again.
    if (error instanceof SluiceError && error.code === "resume_failed") return ask();
    throw error;
  }
}

for (const content of questions.length > 0 ? questions : ["Hello!"]) {
  messages.push({ role: "user", content });
  messages.push({ role: "assistant", content: await ask() });
  console.log(messages.at(-1)?.content);
}
sluice.close();
