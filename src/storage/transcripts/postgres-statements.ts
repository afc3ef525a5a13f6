/** Statements that change sessions, transcripts and documents: each a list that is carried out together. */
export const CHANGES = {
  saveSession: [
    `INSERT INTO sessions (key, updated_at, record) VALUES ($1, $2, $3)
     ON CONFLICT (key) DO UPDATE SET updated_at = excluded.updated_at, record = excluded.record`,
  ],
  deleteSession: ["DELETE FROM messages WHERE session_key = $1", "DELETE FROM sessions WHERE key = $1"],
  append: [
    `INSERT INTO messages (session_key, id, seq, record)
     SELECT $1, id, seq, record::json FROM unnest($2::text[], $3::bigint[], $4::text[]) AS added (id, seq, record)
     ON CONFLICT (session_key, id) DO UPDATE SET seq = excluded.seq, record = excluded.record`,
  ],
  clear: ["DELETE FROM messages WHERE session_key = $1"],
  saveDocument: [
    `INSERT INTO documents (kind, key, value, owner) VALUES ($1, $2, $3, $4)
     ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, owner = excluded.owner`,
  ],
  deleteDocument: ["DELETE FROM documents WHERE kind = $1 AND key = $2"],
} as const;

/**
 * One statement that carries out the changes, after `values` parameters; with `isTold` it also tells the other gateways, on
 * the channel and with the payload that its last two parameters name.
 */
export function changing(changes: readonly string[], values: number, isTold: boolean): string {
  const parts = changes.map((change, index) => `change_${index} AS (${change})`);
  return `WITH ${parts.join(", ")} SELECT${isTold ? ` pg_notify($${values + 1}, $${values + 2})` : ""}`;
}
