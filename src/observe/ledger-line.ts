import type { LedgerNews } from "../core/ledger/ledger.ts";
import { type LogFields, lineText } from "./log-fields.ts";

/** What the ledger's news are worth a line, and its level. */
export function ledgerLine(news: LedgerNews): {
  readonly level: "info" | "warn" | "error";
  readonly fields: LogFields;
} {
  const fields = { event: "ledger", state: news.kind };
  const code = "ledger_unavailable";
  switch (news.kind) {
    case "unavailable":
      return { level: "error", fields: { ...fields, code, reason: lineText(news.reason), rows: news.rows } };
    case "available":
      return { level: "info", fields: { ...fields, rows: news.rows } };
    case "lost":
      return { level: "warn", fields: { ...fields, streams: news.streams } };
    case "dropped":
      return { level: "error", fields: { ...fields, code, rows: news.rows } };
  }
}
