// Much at once: queries, messages, bytes.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { decoder, pages, shown, WAYS } from "../support/client.js";
import { ago, hashes, series } from "../support/messages.js";
import { served } from "../support/served.js";

/** js-waku ends the connection on a frame of more. */
const FRAME = 4 << 20;

const MANY = "/interop/1/five-thousand/proto";
const LONG = "/interop/1/long/proto";
const many = series(MANY, 5_000, { step: 250_000_007n });
// 8 MiB in all: no page holds them, though 100 messages are asked for.
const long = series(LONG, 60, { bytes: 140 << 10, since: ago(900) });
const single = Array.from({ length: 60 }, (_, number) => series(`/interop/1/single-${number}/proto`, 25));

for (const way of Object.keys(WAYS)) {
  describe(`under load over ${way}`, () => {
    const suite = served(way, [...many, ...long, ...single.flat()]);

    test("60 queries at once are all answered", async () => {
      const asked = single.map(async (messages) => {
        const found = await pages(suite.client, decoder(suite.client, messages[0].contentTopic));
        return shown(found.flat());
      });
      assert.deepEqual(await Promise.all(asked), single.map(hashes));
    });

    for (const paginationForward of [true, false]) {
      test(`5,000 messages are read ${paginationForward ? "forward" : "backward"}`, async () => {
        const options = { paginationLimit: 100, paginationForward };
        const read = await pages(suite.client, decoder(suite.client, MANY), options);
        assert.equal(read.length, 50);
        const inOrder = paginationForward ? read : read.reverse();
        assert.deepEqual(shown(inOrder.flat()), hashes(many));
      });
    }

    for (const paginationForward of [true, false]) {
      test(`a page of over 4 MiB is cut by its bytes, ${paginationForward ? "forward" : "backward"}`, async () => {
        const options = { paginationLimit: 100, paginationForward };
        const read = await pages(suite.client, decoder(suite.client, LONG), options);
        const inOrder = paginationForward ? read : read.reverse();
        assert.deepEqual(shown(inOrder.flat()), hashes(long));
        assert.ok(read.length > 2, `${read.length} pages`);
        for (const page of read) {
          const bytes = page.reduce((sum, { payload }) => sum + payload.length, 0);
          assert.ok(bytes < FRAME, `a page of ${bytes} bytes`);
        }
      });
    }

    test("long pages are read several at a time", async () => {
      const asked = Array.from({ length: 8 }, () =>
        pages(suite.client, decoder(suite.client, LONG), { paginationLimit: 100 }),
      );
      for (const read of await Promise.all(asked)) {
        assert.deepEqual(shown(read.flat()), hashes(long));
      }
    });
  });
}
