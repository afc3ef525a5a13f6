/** The routes and models of the demo upstream, for the configuration. They cost nothing. */
export function demoRoutes(url: string) {
  const price = { input: 0, output: 0 };
  const contextWindow = 200_000;
  return {
    routes: [
      { name: "demo-anthropic", dialect: "anthropic-messages", baseUrl: url },
      { name: "demo-chat", dialect: "openai-chat", baseUrl: `${url}/v1` },
      { name: "demo-responses", dialect: "openai-responses", baseUrl: `${url}/v1` },
    ],
    models: [
      {
        alias: "demo",
        route: "demo-anthropic",
        model: "demo-claude",
        name: "Demo (Anthropic Messages)",
        contextWindow,
        price,
      },
      { alias: "demo-chat", route: "demo-chat", model: "demo-gpt", name: "Demo (OpenAI Chat)", contextWindow, price },
      {
        alias: "demo-responses",
        route: "demo-responses",
        model: "demo-responses",
        name: "Demo (OpenAI Responses)",
        contextWindow,
        price,
      },
      {
        alias: "demo-thinking",
        route: "demo-anthropic",
        model: "demo-thinking",
        name: "Demo (thinking)",
        contextWindow,
        price,
      },
    ],
  } as const;
}
