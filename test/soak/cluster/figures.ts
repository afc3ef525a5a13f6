import { LATE, UNTOLD } from "../../support/cluster/check-history.ts";
import { TOLD_MS, type Verdict } from "../../support/cluster/trial.ts";
import { type Figure, percentile } from "../report.ts";

/** What a scenario allows beside what must never be. */
export interface Allowed {
  /** Streams that end with their node: at least one must; without it, none may. */
  readonly losses?: boolean;
  /** Opens that nobody answered, because their node died. */
  readonly unanswered?: boolean;
  /** Whether clients changed nodes. */
  readonly resumes?: boolean;
}

/** The figures that every trial of the cluster has. Prints the first faults. */
export function figuresOf(
  verdict: Verdict,
  { losses = false, unanswered = losses, resumes = true }: Allowed = {},
): readonly Figure[] {
  const { visits, faults, ledgerFaults, said, calls, directory } = verdict;
  const opened = visits.filter(({ stream }) => stream !== undefined);
  const lost = opened.filter(({ code }) => code === "owner_lost");
  const told = lost.flatMap(({ toldAfterMs = [] }) => toldAfterMs);
  for (const lines of [faults, ledgerFaults, said]) for (const line of lines.slice(0, 8)) console.log(`  ${line}`);
  if (faults.length > 0) console.log(`  histories with faults: ${directory}`);
  const sum = (of: "lastSeq" | "resumes") => visits.reduce((total, visit) => total + visit[of], 0);
  const having = (start: string) =>
    visits.filter((visit) => visit.faults.some((fault) => fault.startsWith(start))).length;
  const others = visits.flatMap((visit) =>
    visit.faults.filter((fault) => !fault.startsWith(LATE) && !fault.startsWith(UNTOLD)),
  );
  const none = { unit: "", atMost: 0 };
  return [
    { name: "streams opened", value: opened.length, unit: "", atLeast: 1 },
    {
      name: "opens without an answer",
      value: visits.length - opened.length,
      unit: "",
      ...(!unanswered && { atMost: 0 }),
    },
    {
      name: "calls of the upstream",
      value: calls,
      unit: "",
      atLeast: opened.filter(({ lastSeq }) => lastSeq > 0).length,
      atMost: visits.length,
    },
    { name: "events read", value: sum("lastSeq"), unit: "" },
    { name: "resumes, each on another node", value: sum("resumes"), unit: "", ...(resumes && { atLeast: 1 }) },
    {
      name: "streams completed",
      value: opened.filter(({ status }) => status === "completed").length,
      unit: "",
      atLeast: 1,
    },
    { name: "streams told owner_lost", value: lost.length, unit: "", ...(losses ? { atLeast: 1 } : { atMost: 0 }) },
    ...(losses
      ? [
          { name: "  told after the loss, p50", value: percentile(told, 0.5), unit: "ms" },
          { name: "  told after the loss, longest", value: Math.max(...told), unit: "ms", atMost: TOLD_MS },
        ]
      : []),
    { name: "streams told later than that", value: having(LATE), ...none },
    { name: "streams whose end nobody told", value: having(UNTOLD), ...none },
    { name: "holes, doubles, wrong ends, wrong text", value: others.length, ...none },
    { name: "completed, not once and exactly in the ledger", value: ledgerFaults.length, ...none },
    { name: "errors in the nodes' logs", value: said.length, ...none },
  ];
}
