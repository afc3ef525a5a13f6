import { readFileSync } from "node:fs";

/** A client as docs/agents.md describes it. */
export interface DocumentedClient {
  /** The section's heading. */
  readonly name: string;
  /** `name@version`, as npm installs them. */
  readonly packages: readonly string[];
  /** Lines for a shell that set the client up, or a module that is the client. */
  readonly block: { readonly language: "sh" | "js"; readonly text: string };
}

const PAGE = new URL("../../docs/agents.md", import.meta.url);

/** The page's sections that have a package with a version and a block to run, in their order. */
export function documentedClients(): readonly DocumentedClient[] {
  return readFileSync(PAGE, "utf8")
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const name = section.split("\n", 1)[0] ?? "";
      const packages = [...section.matchAll(/`((?:@[\w-]+\/)?[\w-]+)` (\d+\.\d+\.\d+)/g)].map(
        ([, pkg, version]) => `${pkg}@${version}`,
      );
      const [, language, text] = /^```(sh|js)\n(.*?)^```/ms.exec(section) ?? [];
      if (language === undefined || text === undefined || packages.length === 0) return [];
      return [{ name, packages, block: { language: language === "sh" ? "sh" : "js", text } }];
    });
}
