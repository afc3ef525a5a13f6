export interface EventText {
  readonly seq: number;
  /** The upstream's data, to the byte. */
  readonly payload: string;
}

/** An event's frame up to its data, to compare the data byte for byte. */
const HEAD = /^\{"type":"event","id":"([^"]+)","seq":(\d+)(?:,"event":"(?:[^"\\]|\\.)*")?,"data":/;
const RAW_END = ',"raw":true}';

/**
 * The events of an `event` or `events` frame; undefined for any other frame. A batch's data is re-serialized, so payloads
 * compare only if they are as `JSON.stringify` writes them.
 */
export function readEvents(text: string): { readonly id: string; readonly events: readonly EventText[] } | undefined {
  const head = HEAD.exec(text);
  if (head) {
    const [{ length }, id = "", seq] = head;
    const payload = text.endsWith(RAW_END)
      ? (JSON.parse(text.slice(length, -RAW_END.length)) as string)
      : text.slice(length, -1);
    return { id, events: [{ seq: Number(seq), payload }] };
  }
  if (!text.startsWith('{"type":"events"')) return undefined;
  const frame = JSON.parse(text) as { id: string; events: { seq: number; data: unknown; raw?: true }[] };
  const events = frame.events.map(({ seq, data, raw }) => ({
    seq,
    payload: raw ? String(data) : JSON.stringify(data),
  }));
  return { id: frame.id, events };
}
