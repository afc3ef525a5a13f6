import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** The parts whose rooms are listed, in their import order. */
const PARTS = ["core", "dialects", "upstream", "faces", "transport", "storage", "observe", "config", "compose", "cli"];
const ROOM_WIDTH = 30;

/** The room of a file below `src`: `core/relay/relay.ts` → `core/relay`, `cli/stop.ts` → `cli`. */
function roomOf(file: string): string {
  const folders = dirname(file).split("/");
  return folders.slice(0, folders[0] === "faces" ? 3 : 2).join("/");
}

function importsOf(file: string): string[] {
  const source = readFileSync(join(ROOT, "src", file), "utf8");
  return [...source.matchAll(/from "(\.[^"]+)"/g)].map(([, path = ""]) => join(dirname(file), path));
}

/** Every room of `src` with the rooms of its own part that it imports, as text, one room per line. */
export function roomsPicture(): string {
  const files = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .sort();
  const rooms = new Map<string, Set<string>>();
  for (const file of files) {
    const room = roomOf(file);
    const imported = rooms.get(room) ?? new Set();
    rooms.set(room, imported);
    for (const path of importsOf(file).map(roomOf)) {
      if (path !== room && path.split("/")[0] === room.split("/")[0]) imported.add(path);
    }
  }
  const inOrder = [...rooms.keys()].filter((room) => PARTS.includes(room.split("/")[0] ?? ""));
  inOrder.sort((a, b) => depth(a, rooms) - depth(b, rooms) || a.localeCompare(b));
  const lines = PARTS.flatMap((part) =>
    inOrder
      .filter((room) => room.split("/")[0] === part)
      .map((room) => {
        const names = [...(rooms.get(room) ?? [])].map((name) => name.slice(part.length + 1)).sort();
        return `${room.padEnd(ROOM_WIDTH)}${names.join(" ")}`.trimEnd();
      }),
  );
  return [`${"room".padEnd(ROOM_WIDTH)}imports of its own part`, ...lines].join("\n");
}

/** The length of the longest import chain above this room. */
function depth(room: string, rooms: ReadonlyMap<string, ReadonlySet<string>>): number {
  return 1 + Math.max(0, ...[...(rooms.get(room) ?? [])].map((name) => depth(name, rooms)));
}
