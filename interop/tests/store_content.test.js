// Queries by content topic, page by page in both directions.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { AUTOSHARDING, decoder, pages, shown, WAYS } from "../support/client.js";
import { ago, byTimeAndHash, hashes, hex, message, MILLISECOND, series } from "../support/messages.js";
import { pubsubTopic } from "../support/network.js";
import { served } from "../support/served.js";

const MANY = "/interop/1/many/proto";
const FEW = "/interop/1/few/proto";
const CROWDED = "/interop/1/crowded/proto";
const FULL = "/interop/1/full/proto";
const WHOLE = "/interop/1/whole-milliseconds/proto";
const ELSEWHERE = "/interop/1/elsewhere/proto";

const many = series(MANY, 250);
const few = series(FEW, 40, { since: ago(1_790) });
// As js-waku publishes. It makes cursors of messages of whole milliseconds alone: it has no finer times.
const whole = series(WHOLE, 10, { step: MILLISECOND });
// All of one nanosecond: only their hashes order them.
const crowded = series(CROWDED, 75, { step: 0n });
const elsewhere = series(ELSEWHERE, 5, { pubsubTopic: pubsubTopic(3) });
const full = message({
  contentTopic: FULL,
  payload: Buffer.from("every field"),
  timestamp: ago(1_000) + 123_456n,
  version: 0,
  meta: Buffer.from("meta of the message"),
  ephemeral: false,
});
const all = [...many, ...few, ...whole, ...crowded, ...elsewhere, full];

/** Hashes cut into pages of so many. */
const cut = (list, size) =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, page) => list.slice(page * size, (page + 1) * size));

for (const way of Object.keys(WAYS)) {
  describe(`by content over ${way}`, () => {
    const suite = served(way, all);
    const read = async (topics, options) => {
      const decoders = [topics].flat().map((topic) => decoder(suite.client, topic));
      return (await pages(suite.client, decoders, options)).map(shown);
    };

    test("pages go forward in the order of time and hash", async () => {
      assert.deepEqual(await read(MANY, { paginationLimit: 30 }), cut(hashes(many), 30));
    });

    test("pages go backward, each in the order of time and hash", async () => {
      const backward = await read(MANY, { paginationForward: false, paginationLimit: 30 });
      const newestFirst = hashes(many).reverse();
      assert.deepEqual(
        backward,
        cut(newestFirst, 30).map((page) => page.reverse()),
      );
    });

    for (const paginationForward of [true, false]) {
      test(`messages of one nanosecond are all read, ${paginationForward ? "forward" : "backward"}`, async () => {
        const read_ = await read(CROWDED, { paginationForward, paginationLimit: 10 });
        const inOrder = paginationForward ? read_ : read_.reverse();
        assert.deepEqual(inOrder.flat(), hashes(crowded));
      });
    }

    test("a page has 20 messages by default, and at most 100", async () => {
      const sizes = async (options) => (await read(MANY, options)).map((page) => page.length);
      assert.deepEqual(await sizes({}), [...Array(12).fill(20), 10]);
      assert.deepEqual(await sizes({ paginationLimit: 100 }), [100, 100, 50]);
      assert.deepEqual(await sizes({ paginationLimit: 1_000 }), [100, 100, 50]);
    });

    test("several content topics are read as one", async () => {
      const both = hashes([...many, ...few].sort(byTimeAndHash));
      assert.deepEqual((await read([MANY, FEW], { paginationLimit: 100 })).flat(), both);
    });

    test("times bound what is read, both included", async () => {
      const bounds = [many[50], many[149]].map(({ timestamp }) => Number(timestamp / MILLISECOND));
      // js-waku's times are whole milliseconds: the end is the one behind the last message.
      const [timeStart, timeEnd] = [new Date(bounds[0]), new Date(bounds[1] + 1)];
      assert.deepEqual((await read(MANY, { timeStart, timeEnd })).flat(), hashes(many.slice(50, 150)));
      const backward = await read(MANY, { timeStart, timeEnd, paginationForward: false });
      assert.deepEqual(backward.reverse().flat(), hashes(many.slice(50, 150)));
    });

    test("reading goes on behind a message whose hash is the cursor", async () => {
      const [first] = await pages(suite.client, decoder(suite.client, MANY), { paginationLimit: 100 });
      const paginationCursor = first[99].hash;
      const rest = (await read(MANY, { paginationCursor, paginationLimit: 100 })).flat();
      assert.deepEqual(rest, hashes(many.slice(100)));
      const options = { paginationCursor, paginationLimit: 100, paginationForward: false };
      assert.deepEqual((await read(MANY, options)).flat(), hashes(many.slice(0, 99)));
    });

    test("reading goes on behind a message that js-waku makes a cursor of", async () => {
      const [first] = await pages(suite.client, decoder(suite.client, WHOLE), { paginationLimit: 5 });
      const paginationCursor = suite.client.store.createCursor(first[4]);
      assert.deepEqual((await read(WHOLE, { paginationCursor })).flat(), hashes(whole.slice(5)));
    });

    test("a topic that nobody wrote to has no messages", async () => {
      assert.deepEqual(await read("/interop/1/silence/proto"), []);
    });

    test("messages of another shard are read there alone", async () => {
      assert.deepEqual(await read(ELSEWHERE), []);
      const there = await pages(suite.client, decoder(suite.client, ELSEWHERE, 3));
      assert.deepEqual(there.map(shown), [hashes(elsewhere)]);
    });

    test("every field is as it was stored", async () => {
      const [[found]] = await pages(suite.client, decoder(suite.client, FULL));
      assert.equal(found.hashStr, hex(full.hash));
      assert.equal(found.proto.timestamp, full.timestamp);
      assert.deepEqual(Buffer.from(found.payload), full.payload);
      assert.deepEqual(Buffer.from(found.meta), full.meta);
      assert.equal(found.contentTopic, FULL);
      assert.equal(found.pubsubTopic, full.pubsubTopic);
      assert.equal(found.version, 0);
      assert.equal(found.ephemeral, false);
      assert.equal(found.rateLimitProof, undefined);
    });
  });
}

describe("with autosharding", () => {
  const topics = ["/interop/1/auto/proto", "/other-app/7/auto/proto", "/0/third/2/auto/json"];
  // The pubsub topics are those that js-waku derives.
  const suite = served("websocket and mplex", [], { networkConfig: AUTOSHARDING });
  test("content topics are asked for on the shards that js-waku derives", async () => {
    for (const contentTopic of topics) {
      assert.deepEqual(await pages(suite.client, suite.client.createDecoder({ contentTopic })), []);
    }
  });
});
