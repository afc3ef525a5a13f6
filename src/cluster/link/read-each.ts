/** How many are read at once. */
const AT_ONCE = 200;

/** What `read` finds for each of these names, some hundred at a time; those that it finds nothing for are left out. */
export async function readEach<Found>(
  names: readonly string[],
  read: (name: string) => Promise<Found | undefined>,
): Promise<ReadonlyMap<string, Found>> {
  const all = new Map<string, Found>();
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const some = names.slice(at, at + AT_ONCE);
    await Promise.all(
      some.map(async (name) => {
        const found = await read(name);
        if (found !== undefined) all.set(name, found);
      }),
    );
  }
  return all;
}
