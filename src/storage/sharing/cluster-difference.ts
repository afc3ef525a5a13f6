/** What tells two gateways on one store apart, by `cluster.redis.prefix`; empty without a cluster. Begins a sentence. */
export function differenceOf(mine: string, other: string): string {
  if (mine === "") return `cluster.redis is not set here, and a node whose cluster.redis.prefix is "${other}"`;
  if (other === "") return `cluster.redis.prefix is "${mine}" here, and a gateway without cluster.redis`;
  if (mine !== other) return `cluster.redis.prefix is "${mine}" here, and a node where it is "${other}"`;
  return `cluster.redis.url is another Redis here, and a node of the same cluster.redis.prefix, "${mine}",`;
}

/** What to do about that. `setting`: where each may have its own store. */
export const cureOf = (setting: string): string =>
  `stop that, give both the same cluster.redis, or give each its own ${setting}, because each of them grants every cap in full`;
