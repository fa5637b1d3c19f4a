// The network of the tests: its cluster, its shards and their topics.

/** No public network has this one. */
export const CLUSTER = 99;

/** Shards that content topics are spread over. */
export const SHARDS = 8;

export const pubsubTopic = (shard) => `/waku/2/rs/${CLUSTER}/${shard}`;

/** The arguments of a node that keeps, and relays, all shards. js-waku asks no node for a shard that it isn't told. */
export const ALL_SHARDS = [
  `--num-shards-in-network=${SHARDS}`,
  ...Array.from({ length: SHARDS }, (_, shard) => `--shard=${shard}`),
];
