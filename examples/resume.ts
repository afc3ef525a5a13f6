// Closes its own socket every 100 events and resumes on a new one: npx node examples/resume.ts [model] [prompt]
const [model = "demo", prompt = "500 tokens at 5 ms: [[500x5]]"] = process.argv.slice(2);
const { SLUICE_URL: url = "ws://127.0.0.1:18789/v1/stream", SLUICE_TOKEN: token = "none" } = process.env;
const body = { max_tokens: 1024, messages: [{ role: "user", content: prompt }] };
let opened: { stream: string; epoch: number } | undefined; // the gateway's name for the stream
let last = 0; // the last event handled: where to resume
let cuts = 0;

function connect(): void {
  const socket = new WebSocket(url, { protocols: ["sluice.v1"], headers: { authorization: `Bearer ${token}` } });
  let received = 0;
  let over = false;
  let acks: NodeJS.Timeout | undefined;
  const send = (frame: object) => socket.send(JSON.stringify(frame));

  socket.onerror = () => console.error(`no gateway at ${url}, or a wrong token: set SLUICE_URL and SLUICE_TOKEN`);
  socket.onopen = () => {
    send(opened ? { type: "resume", id: "a", ...opened, after: last } : { type: "open", id: "a", model, body });
    acks = setInterval(() => send({ type: "ack", received, streams: { a: last } }), 100);
  };
  socket.onmessage = (message) => {
    received++;
    const { type, seq, stream, epoch, data, error, lastSeq } = JSON.parse(message.data);
    if (type === "opened") opened = { stream, epoch };
    if (type === "event" && seq === last + 1) {
      last = seq;
      process.stdout.write(data?.delta?.text ?? data?.choices?.[0]?.delta?.content ?? "");
      if (last % 100 === 0) {
        console.log(`\n[cut ${++cuts}, after event ${last}]`);
        socket.close();
      }
    }
    if (error) console.error(`\n${error.code}: ${error.message}`);
    if (type === "end") console.log(`\n${last} of ${lastSeq} events despite ${cuts} cuts`);
    over ||= type === "end" || type === "error";
    if (over) socket.close();
  };
  socket.onclose = () => {
    clearInterval(acks);
    if (opened && !over) setTimeout(connect, 200);
  };
}

connect();
