// Queries by hash, and presence: which messages there are, without their data.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { decoder, pages, shown, WAYS } from "../support/client.js";
import { byTimeAndHash, hashes, message, series } from "../support/messages.js";
import { pubsubTopic } from "../support/network.js";
import { served } from "../support/served.js";

const TOPIC = "/interop/1/hashes/proto";
const OTHER = "/interop/1/other-hashes/proto";

const held = series(TOPIC, 300);
const elsewhere = series(OTHER, 10, { pubsubTopic: pubsubTopic(5) });
const unknown = series(TOPIC, 20, { bytes: 40 }).map(({ hash }) => hash);
const own = (messages) => messages.map(({ hash }) => hash);

for (const way of Object.keys(WAYS)) {
  describe(`by hash over ${way}`, () => {
    const suite = served(way, [...held, ...elsewhere]);
    const read = (messageHashes, options) => {
      const decoders = [decoder(suite.client, TOPIC), decoder(suite.client, OTHER)];
      return pages(suite.client, decoders, { messageHashes, ...options });
    };

    test("one message is found", async () => {
      assert.deepEqual((await read([held[7].hash])).map(shown), [hashes([held[7]])]);
    });

    // nwaku answers a multiple of 100 hashes with messages that nobody asked for.
    for (const count of [99, 100, 101, 200, 300]) {
      test(`${count} messages are found, and nothing else`, async () => {
        const chosen = held.slice(0, count);
        const shuffled = own(chosen).sort(Buffer.compare);
        const found = (await read(shuffled, { paginationLimit: 100 })).flat();
        assert.deepEqual(shown(found), hashes(chosen));
      });
    }

    test("they are read backward too", async () => {
      const options = { paginationLimit: 40, paginationForward: false };
      const read_ = (await read(own(held.slice(0, 100)), options)).map(shown);
      assert.deepEqual(
        read_.map((page) => page.length),
        [40, 40, 20],
      );
      assert.deepEqual(read_.reverse().flat(), hashes(held.slice(0, 100)));
    });

    test("hashes that aren't held are left out", async () => {
      const asked = [unknown[0], held[3].hash, ...unknown.slice(1), held[9].hash];
      assert.deepEqual(shown((await read(asked)).flat()), hashes([held[3], held[9]]));
      assert.deepEqual(await read(unknown), []);
    });

    test("js-waku names the first decoder's shard, and messages of another are found by naming it", async () => {
      const topic = pubsubTopic(5);
      assert.deepEqual(shown((await read(own(elsewhere), { pubsubTopic: topic })).flat()), hashes(elsewhere));
      assert.deepEqual(await read(own(elsewhere)), []);
    });

    test("presence: as many rows as are held come, and no data", async () => {
      const asked = [...own(held.slice(0, 150)), ...unknown];
      const read_ = await read(asked, { includeData: false, paginationLimit: 100 });
      assert.deepEqual(
        read_.map((page) => page.length),
        [100, 50],
      );
      // js-waku shows a row without data as no message.
      assert.ok(read_.flat().every((row) => row === undefined));
      assert.deepEqual(await read(unknown, { includeData: false }), []);
    });

    test("presence by content: every message of the topic is named once", async () => {
      const options = { includeData: false, paginationLimit: 100 };
      const read_ = await pages(suite.client, decoder(suite.client, TOPIC), options);
      assert.equal(read_.flat().length, held.length);
    });
  });
}

test("the hash in the tests' messages is js-waku's, and so is their order", () => {
  const one = message({ contentTopic: TOPIC, payload: held[0].payload, timestamp: held[0].timestamp });
  assert.deepEqual(one.hash, held[0].hash);
  assert.deepEqual([...held].reverse().sort(byTimeAndHash), held);
});
