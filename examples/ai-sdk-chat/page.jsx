// A chat page: useChat, WebSocketChatTransport, and a gateway. No route handler and no server of its own.
import { useChat } from "@ai-sdk/react";
import { lastAssistantMessageIsCompleteWithToolCalls, WebSocketChatTransport } from "ai";
import { createElement, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const MODELS = ["demo", "demo-thinking", "demo-chat", "demo-responses"];

/** The tools that run in this page, as the model learns of them. */
const tools = [
  {
    name: "page_time",
    description: "The time on the user's clock, and the time zone",
    parameters: { type: "object", properties: {} },
  },
];
const runs = {
  page_time: () => ({ time: new Date().toString(), zone: Intl.DateTimeFormat().resolvedOptions().timeZone }),
};

/** The gateway keeps running answers; the messages before them are the application's own to keep. */
const stored = JSON.parse(localStorage.getItem("chat") ?? "null") ?? { id: crypto.randomUUID(), messages: [] };

let model = MODELS[0];
const transport = new WebSocketChatTransport({ url: "/v1/chat", body: () => ({ model, tools }) });

function Page() {
  const [draft, setDraft] = useState("");
  const [files, setFiles] = useState();
  const { messages, status, error, sendMessage, stop, addToolOutput } = useChat({
    id: stored.id,
    messages: stored.messages,
    transport,
    // Shows the answer that ran on while the page was away, from its beginning and under the same message id.
    resume: true,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
    onToolCall({ toolCall: { toolName: tool, toolCallId } }) {
      // Not awaited: the answer has to end before the result can be sent.
      if (tool in runs) void addToolOutput({ tool, toolCallId, output: runs[tool]() });
      else void addToolOutput({ tool, toolCallId, state: "output-error", errorText: `this page has no ${tool}` });
    },
  });
  useEffect(() => localStorage.setItem("chat", JSON.stringify({ id: stored.id, messages })), [messages]);
  const isBusy = status === "submitted" || status === "streaming";

  const send = (event) => {
    event.preventDefault();
    if (draft.trim() === "") return;
    void sendMessage({ text: draft, ...(files && { files }) });
    setDraft("");
    setFiles(undefined);
    event.target.reset();
  };
  const startOver = async () => {
    await stop();
    localStorage.removeItem("chat");
    location.reload();
  };

  return (
    <main data-status={status}>
      <header>
        <select aria-label="Model" onChange={(event) => (model = event.target.value)}>
          {MODELS.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>{" "}
        <button type="button" onClick={startOver}>
          New chat
        </button>
      </header>
      {messages.map(({ id, role, parts }) =>
        // Parts are only ever appended, so they need no keys.
        createElement("article", { key: id, id, className: role }, ...parts.map(showPart)),
      )}
      {error && <p role="alert">{error.message}</p>}
      <form onSubmit={send}>
        <input
          aria-label="Message"
          placeholder="Ask something, or: call a tool"
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
        />
        <input aria-label="Files" type="file" multiple onChange={(event) => setFiles(event.target.files)} />
        <button type="submit" disabled={isBusy}>
          Send
        </button>
        <button type="button" disabled={!isBusy} onClick={stop}>
          Stop
        </button>
      </form>
    </main>
  );
}

function showPart(part) {
  if (part.type === "text") return part.text;
  if (part.type === "reasoning") return <p className="reasoning">{part.text}</p>;
  if (part.type === "source-url") return <a href={part.url}>{part.title ?? part.url} </a>;
  if (part.type === "source-document") return <cite>{part.title} </cite>;
  if (part.type === "file") {
    if (part.mediaType.startsWith("image/")) return <img src={part.url} alt={part.filename ?? "made by the model"} />;
    return <cite>{part.filename} </cite>;
  }
  if (part.toolCallId === undefined) return null;
  const { type, toolName = type.slice("tool-".length), input, output, errorText } = part;
  return (
    <p className="tool">
      {toolName}({JSON.stringify(input)}) → {errorText ?? JSON.stringify(output) ?? "…"}
    </p>
  );
}

createRoot(document.getElementById("root")).render(<Page />);
