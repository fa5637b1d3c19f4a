// js-waku connects, learns what it is connected with, and stays.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { AUTOSHARDING, connect, decoder, lightNode, pages, shown, WAYS } from "../support/client.js";
import { hashes, line, series } from "../support/messages.js";
import { CLUSTER, SHARDS } from "../support/network.js";
import { Node } from "../support/node.js";
import { Place } from "../support/program.js";
import { sleep, until } from "../support/wait.js";

/** How long connections are left idle, in seconds: longer than libp2p's own 10 s, unless told otherwise. */
const IDLE = Number(process.env.IDLE ?? 15);

const TOPIC = "/interop/1/connection/proto";
const all = series(TOPIC, 3);

for (const way of Object.keys(WAYS)) {
  describe(`over ${way}`, () => {
    let place, node;
    before(async () => {
      place = await Place.make();
      await place.import("a", all.map(line));
      node = await Node.start(place, "a", "--shard=0", "--shard=5");
    });
    after(async () => {
      await node.stop();
      await place.remove();
    });

    test("identify tells the agent and the protocols", async (t) => {
      const client = await connect(way, node);
      t.after(() => client.stop());
      const [peer] = await client.getConnectedPeers();
      assert.equal(peer.id.toString(), node.peerId);
      assert.match(new TextDecoder().decode(peer.metadata.get("AgentVersion")), /^wakustore\/\d/);
      for (const protocol of ["/vac/waku/store-query/3.0.0", "/vac/waku/metadata/1.0.0", "/ipfs/ping/1.0.0"]) {
        assert.ok(peer.protocols.includes(protocol), protocol);
      }
    });

    test("metadata tells the cluster and the shards", async (t) => {
      const client = await connect(way, node);
      t.after(() => client.stop());
      const [peer] = await client.getConnectedPeers();
      const { shardInfo, error } = await client.libp2p.services.metadata.query(peer.id);
      assert.equal(error, null);
      assert.deepEqual({ ...shardInfo }, { clusterId: CLUSTER, shards: [0, 5] });
      assert.equal(await client.connectionManager.isPeerOnShard(peer.id, 5), true);
      assert.equal(await client.connectionManager.isPeerOnShard(peer.id, 1), false);
    });

    test("a node that isn't told its shards keeps all of the network, and js-waku asks it", async (t) => {
      const unsharded = await Node.start(place, "unsharded", `--num-shards-in-network=${SHARDS}`);
      t.after(() => unsharded.stop());
      const client = await connect(way, unsharded, AUTOSHARDING);
      t.after(() => client.stop());
      for (const contentTopic of ["/interop/1/a/proto", "/interop-2/1/a/proto", "/interop-3/1/a/proto"]) {
        assert.deepEqual(await pages(client, client.createDecoder({ contentTopic })), []);
      }
    });

    test("pings are answered", async (t) => {
      const client = await connect(way, node);
      t.after(() => client.stop());
      const [peer] = await client.getConnectedPeers();
      for (let ping = 0; ping < 3; ping += 1) {
        assert.ok((await client.libp2p.services.ping.ping(peer.id)) >= 0);
      }
    });

    test(`an idle connection is the same after ${IDLE} s, and queries go over it`, async (t) => {
      const client = await connect(way, node);
      t.after(() => client.stop());
      const [{ id }] = client.libp2p.getConnections();
      await sleep(IDLE * 1_000);
      assert.deepEqual(
        client.libp2p.getConnections().map((connection) => connection.id),
        [id],
      );
      const [page] = await pages(client, decoder(client, TOPIC));
      assert.deepEqual(shown(page), hashes(all));
      assert.equal(client.libp2p.getConnections()[0].id, id);
    });

    test("a client comes back to a node that was restarted", async (t) => {
      const restarted = await Node.start(place, "restarted", "--shard=0");
      t.after(() => restarted.kill());
      const client = await connect(way, restarted);
      t.after(() => client.stop());
      await restarted.stop();
      await until("the connection is gone", () => client.libp2p.getConnections().length === 0);
      const again = await Node.start(place, "restarted", "--shard=0");
      t.after(() => again.stop());
      assert.equal(again.peerId, restarted.peerId);
      await client.dial(WAYS[way].address(again));
      assert.deepEqual(await pages(client, decoder(client, TOPIC)), []);
    });

    test("a client of another cluster is let go", async (t) => {
      const client = await lightNode(way, { clusterId: CLUSTER - 1 });
      t.after(() => client.stop());
      const gone = new Promise((resolve) => client.libp2p.addEventListener("peer:disconnect", resolve));
      // The connection may end before the stream that js-waku opens with it is there.
      await client.dial(WAYS[way].address(node)).catch(() => {});
      await until("the connection is gone", () => client.libp2p.getConnections().length === 0);
      await gone;
    });
  });
}
