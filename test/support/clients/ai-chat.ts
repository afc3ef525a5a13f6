import {
  AbstractChat,
  type ChatState,
  type ChatStatus,
  lastAssistantMessageIsCompleteWithToolCalls,
  type UIMessage,
  WebSocketChatTransport,
} from "ai";
import { WebSocket } from "ws";

/** What a page would show. */
class PlainState implements ChatState<UIMessage> {
  status: ChatStatus = "ready";
  error: Error | undefined;
  messages: UIMessage[] = [];
  pushMessage = (message: UIMessage): void => {
    this.messages.push(message);
  };
  popMessage = (): void => {
    this.messages.pop();
  };
  replaceMessage = (index: number, message: UIMessage): void => {
    this.messages[index] = structuredClone(message);
  };
  snapshot = <Value>(value: Value): Value => structuredClone(value);
}

/** How a chat differs from one without credentials and tools. */
export interface AiChatOptions {
  readonly id?: string;
  readonly body?: object;
  readonly headers?: Record<string, string>;
  readonly protocols?: string[];
  readonly params?: Record<string, string>;
  readonly transport?: WebSocketChatTransport<UIMessage>;
  /** Runs the client's tools. */
  readonly tool?: (name: string, input: unknown) => unknown;
}

/** The SDK's transport to a gateway; chats may share one. */
export const chatTransport = (url: string, options: AiChatOptions = {}): WebSocketChatTransport<UIMessage> =>
  new WebSocketChatTransport<UIMessage>({
    url: `${url}/v1/chat`,
    webSocket: WebSocket as never,
    body: options.body ?? {},
    headers: options.headers ?? {},
    ...(options.protocols && { protocols: options.protocols }),
    ...(options.params && { params: options.params }),
  });

/** A chat of the AI SDK without a page: the SDK's own class and transport. */
export class AiChat extends AbstractChat<UIMessage> implements Disposable {
  readonly socket: WebSocketChatTransport<UIMessage>;
  /** What the gateway said of each failure, besides its sentence. */
  readonly failures: readonly unknown[];

  constructor(url: string, options: AiChatOptions = {}) {
    const socket = options.transport ?? chatTransport(url, options);
    const { tool } = options;
    const failures: unknown[] = [];
    super({
      id: options.id ?? "chat",
      transport: socket,
      state: new PlainState(),
      onError() {},
      onData: ({ type, data }) => {
        if (type === "data-error") failures.push(data);
      },
      ...(tool && {
        sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
        onToolCall: ({ toolCall }) => {
          const { toolCallId, toolName } = toolCall;
          void this.addToolOutput({ tool: toolName, toolCallId, output: tool(toolName, toolCall.input) });
        },
      }),
    });
    this.socket = socket;
    this.failures = failures;
  }

  /** The parts of the newest message. */
  get parts(): UIMessage["parts"] {
    return this.messages.at(-1)?.parts ?? [];
  }

  /** The text of the newest message. */
  get said(): string {
    return this.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }
}
