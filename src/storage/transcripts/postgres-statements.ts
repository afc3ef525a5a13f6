import { LEAD_KIND, type Write } from "./lead.ts";

/** Statements that change sessions, transcripts and documents, if the lead counts: each a list that is carried out together. */
const CHANGES = {
  saveSession: [
    `INSERT INTO sessions (key, updated_at, record)
     SELECT $1, $2::double precision, $3::json WHERE EXISTS (SELECT FROM fence)
     ON CONFLICT (key) DO UPDATE SET updated_at = excluded.updated_at, record = excluded.record`,
  ],
  deleteSession: [
    "DELETE FROM messages WHERE session_key = $1 AND EXISTS (SELECT FROM fence)",
    "DELETE FROM sessions WHERE key = $1 AND EXISTS (SELECT FROM fence)",
  ],
  append: [
    `INSERT INTO messages (session_key, id, seq, record)
     SELECT $1, id, seq, record::json FROM unnest($2::text[], $3::bigint[], $4::text[]) AS added (id, seq, record)
     WHERE EXISTS (SELECT FROM fence)
     ON CONFLICT (session_key, id) DO UPDATE SET seq = excluded.seq, record = excluded.record`,
  ],
  clear: ["DELETE FROM messages WHERE session_key = $1 AND EXISTS (SELECT FROM fence)"],
  saveDocument: [
    `INSERT INTO documents (kind, key, value, owner)
     SELECT $1, $2, $3::json, $4 WHERE EXISTS (SELECT FROM fence)
     ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, owner = excluded.owner`,
  ],
  deleteDocument: ["DELETE FROM documents WHERE kind = $1 AND key = $2 AND EXISTS (SELECT FROM fence)"],
} as const satisfies Readonly<Record<Write, readonly string[]>>;

/** The number of each change's own parameters. */
const VALUES: Readonly<Record<Write, number>> = {
  saveSession: 3,
  deleteSession: 1,
  append: 4,
  clear: 1,
  saveDocument: 4,
  deleteDocument: 2,
};

/** The rest of answers whose beginnings are stored, from a lead that counts no more. */
const COMPLETED = `completed AS (
  UPDATE messages SET record = added.record::json
  FROM unnest($2::text[], $4::text[]) AS added (id, record)
  WHERE messages.session_key = $1 AND messages.id = added.id AND NOT EXISTS (SELECT FROM fence)
  RETURNING 1
)`;

/** What goes with a change. */
export interface ChangeOptions {
  /** One more parameter names the lead that writes. */
  readonly isLed: boolean;
  /** Two more name the channel on which the other gateways are told, and the payload. */
  readonly isTold: boolean;
}

/**
 * One statement that carries out a change. Its one row says with `isDone` whether all was written: from a lead that counts no
 * more, only the rest of answers is. Whoever makes another lead count waits until it is over.
 */
export function changing(name: Write, { isLed, isTold }: ChangeOptions): string {
  const lead = VALUES[name] + 1;
  const told = isLed ? lead + 1 : lead;
  const fence = `SELECT 1 FROM documents WHERE kind = '${LEAD_KIND}' AND key = '' AND value::text = $${lead} FOR SHARE`;
  const completes = isLed && name === "append";
  const parts = [
    `fence AS MATERIALIZED (${isLed ? fence : "SELECT 1"})`,
    ...CHANGES[name].map((change, index) => `change_${index} AS (${change})`),
    ...(completes ? [COMPLETED] : []),
  ];
  const isDone = `EXISTS (SELECT FROM fence)${completes ? " OR (SELECT count(*) FROM completed) = cardinality($2::text[])" : ""}`;
  return `WITH ${parts.join(", ")} SELECT ${isDone} AS "isDone"${isTold ? `, pg_notify($${told}, $${told + 1})` : ""}`;
}

/** Makes `$1` the lead that counts if `$2` is, null for none. One row if it is now. */
export const SUCCEED = `
INSERT INTO documents (kind, key, value) VALUES ('${LEAD_KIND}', '', $1)
ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value WHERE documents.value::text = $2
RETURNING 1
`;
