/** The values without labels in a text of Prometheus' format, by name. */
export function gaugesIn(text: string): Readonly<Record<string, number>> {
  const lines = [...text.matchAll(/^([a-z_]+) ([0-9.e+-]+)$/gm)];
  return Object.fromEntries(lines.map(([, name = "", value]) => [name, Number(value)]));
}

/** Reads a gateway's metrics. Rejects if it refuses them. */
export async function readGauges(url: string): Promise<Readonly<Record<string, number>>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return gaugesIn(await response.text());
}
