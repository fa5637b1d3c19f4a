// js-waku's light client, as it comes from npm: over websocket and mplex, which is its default, and over
// tcp and yamux.

import { yamux } from "@chainsafe/libp2p-yamux";
import { tcp } from "@libp2p/tcp";
import { createLightNode, Protocols } from "@waku/sdk";

import { CLUSTER, SHARDS } from "./network.js";
import { PATIENCE, within } from "./wait.js";

/** The ways to connect: what js-waku is told, and the address of a node that it dials. */
export const WAYS = {
  "websocket and mplex": {
    // Without the filter it would refuse addresses without TLS.
    libp2p: () => ({ filterMultiaddrs: false }),
    address: (node) => node.websocket,
  },
  "tcp and yamux": {
    libp2p: () => ({ transports: [tcp()], streamMuxers: [yamux()] }),
    address: (node) => node.tcp,
  },
};

/** Content topics decide the shard. */
export const AUTOSHARDING = { clusterId: CLUSTER, numShardsInCluster: SHARDS };

/** The application names the shard. */
export const STATIC_SHARDING = { clusterId: CLUSTER };

/** A client that isn't connected. */
export function lightNode(way, networkConfig = STATIC_SHARDING) {
  return createLightNode({
    networkConfig,
    defaultBootstrap: false,
    discovery: { dns: false, peerExchange: false, peerCache: false },
    libp2p: { hideWebSocketInfo: true, ...WAYS[way].libp2p() },
  });
}

/** Connects a client with `node`, and waits until js-waku takes that for a store peer of its network. */
export async function dial(client, way, node) {
  const ready = client.waitForPeers([Protocols.Store], PATIENCE);
  await within("js-waku dials", client.dial(WAYS[way].address(node)));
  await within("js-waku has a store peer", ready);
  return client;
}

/** A client that is connected with `node`. */
export async function connect(way, node, networkConfig) {
  return dial(await lightNode(way, networkConfig), way, node);
}

/** All pages of a query, as js-waku reads them. */
export async function pages(client, decoders, options) {
  const read = [];
  for await (const page of client.store.queryGenerator([decoders].flat(), options)) {
    read.push(await Promise.all(page));
  }
  return read;
}

/** A decoder of a content topic on a shard, for clients with static sharding. */
export const decoder = (client, contentTopic, shardId = 0) => client.createDecoder({ contentTopic, shardId });

/** Content that js-waku shows of messages: their hashes, by its own hashing. */
export const shown = (messages) => messages.map((message) => message?.hashStr);
