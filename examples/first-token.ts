// Prints the time to first token, then the text as it streams: npx node examples/first-token.ts [model] [prompt]
const [model = "demo", prompt = "Hello!"] = process.argv.slice(2);
const { SLUICE_URL: url = "ws://127.0.0.1:18789/v1/stream", SLUICE_TOKEN: token = "none" } = process.env;
const body = { max_tokens: 1024, messages: [{ role: "user", content: prompt }] };
const socket = new WebSocket(url, { protocols: ["sluice.v1"], headers: { authorization: `Bearer ${token}` } });
let sentAt: number | undefined;

socket.onerror = () => console.error(`no gateway at ${url}, or a wrong token: set SLUICE_URL and SLUICE_TOKEN`);
socket.onopen = () => {
  sentAt = performance.now();
  socket.send(JSON.stringify({ type: "open", id: "1", model, body, flow: "none", away: "cancel" }));
};
socket.onmessage = (message) => {
  const { type, data, error } = JSON.parse(message.data);
  const text = data?.delta?.text ?? data?.choices?.[0]?.delta?.content ?? ""; // Anthropic Messages, OpenAI Chat
  if (text !== "" && sentAt !== undefined) {
    console.log(`first token after ${(performance.now() - sentAt).toFixed(1)} ms\n`);
    sentAt = undefined;
  }
  process.stdout.write(text);
  if (error) console.error(`\n${error.code}: ${error.message}`);
  if (type === "end" || type === "error") socket.close();
  if (type === "end") console.log();
};
