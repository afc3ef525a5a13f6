import type { Member } from "../../cluster/link/member.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { GatewayError } from "../../core/kernel/errors.ts";
import type { LedgerNews } from "../../core/ledger/ledger.ts";
import type { StoreOutage } from "../../core/ports/store-outage.ts";
import type { Transcripts } from "../../core/ports/transcripts.ts";
import type { KeyNews, KeyWatch } from "../../storage/keys/key-looks.ts";
import type { Recall, StoredLedger } from "../../storage/ledger/stored-ledger.ts";

/** What the stores are opened with. */
export interface StorageOptions {
  /** This process's id, which its claim shows to other gateways. */
  readonly pid: number;
  /** Identifies this run in what it stores. */
  readonly instance: string;
  /** The cluster that this process is a node of, which no other may share a store with; undefined without one. */
  readonly cluster?: Pick<Member, "lease" | "on"> | undefined;
  /** Whether the process that started this one has claimed the data directory for all workers. */
  readonly isClaimed: boolean;
  readonly clock: Clock;
  readonly news: (news: LedgerNews) => void;
  /** Told when the server that keeps it goes away, and when it is back. */
  readonly outage: (outage: StoreOutage) => void;
  /** What is known elsewhere of rows that a dead run left open in the ledger. */
  readonly recall?: Recall | undefined;
  /** Called with a fault of the store itself. */
  readonly fault: (error: GatewayError) => void;
}

/** The state of a server that keeps what is stored. */
export interface StorageHealth {
  readonly isUp: boolean;
  /** How long it took for its latest answer, in milliseconds; undefined until there is one. */
  readonly latencyMs: number | undefined;
  /** Why it is not up, without a secret. */
  readonly reason: string | undefined;
}

/** All that is stored. Closing it commits what waits. */
export interface Storage extends AsyncDisposable {
  /** Whether it outlives the process. */
  readonly durable: boolean;
  /** Whether others that use it hear what this one writes, and the other way round. */
  readonly shared: boolean;
  readonly transcripts: Transcripts;
  readonly ledger: StoredLedger;
  /** The state of the server that keeps it, as it was seen last; undefined where there is none. */
  readonly health?: (() => StorageHealth) | undefined;
  /** Watches the gateway keys; undefined where there can be none. Rejects with `store_unavailable` when they cannot be read. */
  watchKeys(news: KeyNews): Promise<KeyWatch> | undefined;
}
