// js-waku's relay: what it publishes is archived and relayed, and it hears what is published through REST.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { waku } from "@waku/sdk";

import { connect, decoder, pages, WAYS } from "../support/client.js";
import { ago, hex, MILLISECOND } from "../support/messages.js";
import { ALL_SHARDS, pubsubTopic } from "../support/network.js";
import { Node } from "../support/node.js";
import { Place } from "../support/program.js";
import { derivedShard, encoder, heard, meshTopics, relayWith } from "../support/relay_node.js";
import { publish, publishAuto } from "../support/rest.js";
import { sleep, until } from "../support/wait.js";

/** How long a mesh has to last, in seconds: several heartbeats of gossipsub, unless told otherwise. */
const IDLE = Number(process.env.IDLE ?? 15);

const text = (message) => new TextDecoder().decode(message.payload);
const bytes = (words) => new TextEncoder().encode(words);

for (const way of Object.keys(WAYS)) {
  describe(`relay over ${way}`, () => {
    let place, node, relay, client;
    before(async () => {
      place = await Place.make();
      node = await Node.start(place, "a", "--relay=true", ...ALL_SHARDS, ...Node.REST);
      relay = await relayWith(way, node);
      client = await connect(way, node);
    });
    after(async () => {
      await client?.stop();
      await relay?.stop();
      await node?.stop();
      await place.remove();
    });
    const archived = async (contentTopic, shard = 0) =>
      (await pages(client, decoder(client, contentTopic, shard), { paginationLimit: 100 })).flat();

    test("what js-waku publishes is archived", async () => {
      const topic = "/interop/1/published/proto";
      const timestamp = new Date();
      const { successes } = await relay.relay.send(encoder(topic), { payload: bytes("from js-waku"), timestamp });
      assert.deepEqual(successes.map(String), [node.peerId]);
      const [found] = await until("it is archived", async () => {
        const found = await archived(topic);
        return found.length > 0 && found;
      });
      assert.equal(text(found), "from js-waku");
      assert.equal(found.proto.timestamp, BigInt(timestamp.getTime()) * MILLISECOND);
      assert.equal(found.pubsubTopic, pubsubTopic(0));
    });

    test("a proof that js-waku publishes is archived with the message", async () => {
      const topic = "/interop/1/published-proof/proto";
      const rateLimitProof = Object.fromEntries(
        ["proof", "merkleRoot", "epoch", "shareX", "shareY", "nullifier", "rlnIdentifier"].map((name, number) => [
          name,
          new Uint8Array(32).fill(number + 1),
        ]),
      );
      await relay.relay.send(encoder(topic), { payload: bytes("proved"), rateLimitProof });
      const [found] = await until("it is archived", async () => {
        const found = await archived(topic);
        return found.length > 0 && found;
      });
      assert.deepEqual(
        Object.entries(rateLimitProof).map(([name, proof]) => [name, hex(proof)]),
        Object.keys(rateLimitProof).map((name) => [name, hex(found.rateLimitProof[name])]),
      );
    });

    test("what is published through REST reaches js-waku, and is archived", async () => {
      const topic = "/interop/1/rest/proto";
      const messages = heard(relay, topic);
      await publish(node, pubsubTopic(0), { payload: "from REST", contentTopic: topic });
      await until("js-waku hears it", () => messages.length === 1);
      assert.equal(text(messages[0]), "from REST");
      const [found] = await archived(topic);
      assert.equal(found.hashStr, hex(waku.messageHash(messages[0].pubsubTopic, messages[0].proto)));
      assert.equal(text(found), "from REST");
    });

    test("REST finds the shard of a content topic that js-waku derives", async (t) => {
      const topic = "/interop-auto/1/rest/proto";
      const shard = derivedShard(topic);
      const elsewhere = await relayWith(way, node, [shard]);
      t.after(() => elsewhere.stop());
      const messages = heard(elsewhere, topic, shard);
      await publishAuto(node, { payload: "sharded", contentTopic: topic });
      await until("js-waku hears it", () => messages.length === 1);
      assert.equal(messages[0].pubsubTopic, pubsubTopic(shard));
      assert.equal((await archived(topic, shard)).length, 1);
    });

    test("what one js-waku publishes another hears through the node", async (t) => {
      const topic = "/interop/1/forwarded/proto";
      const other = await relayWith(way, node);
      t.after(() => other.stop());
      const messages = heard(other, topic);
      for (let number = 0; number < 10; number += 1) {
        await relay.relay.send(encoder(topic), { payload: bytes(`message ${number}`) });
      }
      await until("all are heard", () => messages.length >= 10);
      const expected = Array.from({ length: 10 }, (_, number) => `message ${number}`);
      assert.deepEqual(messages.map(text).sort(), expected);
      await until("all are archived", async () => (await archived(topic)).length === 10);
    });

    test("ephemeral messages are relayed and not archived, and old ones aren't archived", async (t) => {
      const topic = "/interop/1/not-archived/proto";
      const other = await relayWith(way, node);
      t.after(() => other.stop());
      const messages = heard(other, topic);
      const old = new Date(Number(ago(120) / MILLISECOND));
      await relay.relay.send(encoder(topic, { ephemeral: true }), { payload: bytes("ephemeral") });
      await relay.relay.send(encoder(topic), { payload: bytes("old"), timestamp: old });
      await relay.relay.send(encoder(topic), { payload: bytes("archived") });
      await until("the others are heard", () => {
        const words = messages.map(text);
        return words.includes("ephemeral") && words.includes("archived");
      });
      const found = await until("the last one is archived", async () => {
        const found = await archived(topic);
        return found.length > 0 && found;
      });
      assert.deepEqual(found.map(text), ["archived"]);
    });

    test(`the mesh lasts for ${IDLE} s, and messages travel both ways`, async () => {
      const topic = "/interop/1/lasting/proto";
      const messages = heard(relay, topic);
      assert.deepEqual(meshTopics(relay, node), [pubsubTopic(0)]);
      await sleep(IDLE * 1_000);
      assert.deepEqual(meshTopics(relay, node), [pubsubTopic(0)]);
      await publish(node, pubsubTopic(0), { payload: "to js-waku", contentTopic: topic });
      await until("js-waku hears it", () => messages.length === 1);
      await relay.relay.send(encoder(topic), { payload: bytes("from js-waku") });
      await until("both are archived", async () => (await archived(topic)).length === 2);
    });
  });
}
