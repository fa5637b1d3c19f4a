// js-waku's relay node. `@waku/relay` 0.0.14 is the last one on npm, and `@waku/sdk` 0.0.27 the last SDK that has a
// node with it.

import { tcp } from "libp2p-1-tcp";
import { yamux } from "libp2p-1-yamux";
import { createDecoder, createEncoder, Protocols, waitForRemotePeer } from "waku-sdk-relay";
import { createRelayNode } from "waku-sdk-relay/relay";

import { WAYS } from "./client.js";
import { CLUSTER, pubsubTopic } from "./network.js";
import { PATIENCE, within } from "./wait.js";

const LIBP2P = {
  "websocket and mplex": () => ({ filterMultiaddrs: false }),
  "tcp and yamux": () => ({ transports: [tcp()], streamMuxers: [yamux()] }),
};

/** A relay node on `shards` that is in a mesh with `node`. */
export async function relayWith(way, node, shards = [0]) {
  const relay = await createRelayNode({
    networkConfig: { clusterId: CLUSTER, shards },
    libp2p: { hideWebSocketInfo: true, ...LIBP2P[way]() },
  });
  await relay.start();
  await within("js-waku dials", relay.dial(WAYS[way].address(node)));
  await waitForRemotePeer(relay, [Protocols.Relay], PATIENCE);
  return relay;
}

export const encoder = (contentTopic, { shard = 0, ...options } = {}) =>
  createEncoder({ contentTopic, pubsubTopicShardInfo: pubsubTopic(shard), ...options });

/** The shard that js-waku derives from a content topic. */
export function derivedShard(contentTopic) {
  const { pubsubTopic } = createEncoder({ contentTopic, pubsubTopicShardInfo: { clusterId: CLUSTER } });
  return Number(pubsubTopic.split("/").at(-1));
}

/** The messages that `relay` hears on a content topic, from now on. */
export function heard(relay, contentTopic, shard = 0) {
  const messages = [];
  const decoder = createDecoder(contentTopic, pubsubTopic(shard));
  relay.relay.subscribeWithUnsubscribe([decoder], (message) => void messages.push(message));
  return messages;
}

/** The pubsub topics on which `node` is in the mesh of `relay`. */
export const meshTopics = (relay, node) =>
  [...relay.relay.pubsubTopics].filter((topic) => relay.relay.getMeshPeers(topic).includes(node.peerId));
