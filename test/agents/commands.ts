const CODEX = `codex exec --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox "$PROMPT"`;

/** How each agent with a binary takes one turn without a terminal, by its heading in docs/agents.md. */
export const COMMANDS: Readonly<Record<string, string>> = {
  "Claude Code": `claude -p "$PROMPT" --allowedTools Bash`,
  Codex: CODEX,
  "Codex over WebSocket": CODEX,
  opencode: `opencode run "$PROMPT"`,
  pi: `pi -p --provider sluice --model gpt-5 "$PROMPT"`,
  "Qwen Code": `qwen --auth-type openai --yolo -p "$PROMPT"`,
  "Gemini CLI": `gemini --yolo -p "$PROMPT"`,
  Cline: `cline --auto-approve true "$PROMPT"`,
  Continue: `cn -p --auto --config ~/.continue/config.yaml "$PROMPT"`,
};
