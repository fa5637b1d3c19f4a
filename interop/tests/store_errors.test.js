// What a node refuses is an error for the application, and the client goes on.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { decoder, pages, shown, WAYS } from "../support/client.js";
import { hashes, series } from "../support/messages.js";
import { Random } from "../support/random.js";
import { served } from "../support/served.js";
import { until } from "../support/wait.js";

const TOPIC = "/interop/1/errors/proto";
const held = series(TOPIC, 30);

for (const way of Object.keys(WAYS)) {
  describe(`errors over ${way}`, () => {
    const suite = served(way, held);
    const read = (options) => pages(suite.client, decoder(suite.client, TOPIC), options);
    const all_is_well = async () => assert.deepEqual(shown((await read()).flat()), hashes(held));

    test("a cursor that the node doesn't know is an error, and the client goes on", async () => {
      const paginationCursor = new Random("cursor").bytes(32);
      await assert.rejects(read({ paginationCursor }), /status code: 300.*cursor not found/);
      await all_is_well();
    });

    test("a cursor that is no hash is an error, and the client goes on", async () => {
      await assert.rejects(read({ paginationCursor: new Random("cursor").bytes(31) }), /status code: 400/);
      await all_is_well();
    });

    test("a hash that is none is an error, and the client goes on", async () => {
      await assert.rejects(read({ messageHashes: [new Random("hash").bytes(20)] }), /status code: 400/);
      await all_is_well();
    });

    test("a query that the application gives up in mid-page disturbs no other", async () => {
      for await (const page of suite.client.store.queryGenerator([decoder(suite.client, TOPIC)], {
        paginationLimit: 10,
      })) {
        assert.equal(page.length, 10);
        break;
      }
      await all_is_well();
    });
  });

  describe(`rate limits over ${way}`, () => {
    // Of what all have, one peer has three quarters: three queries in that time.
    const suite = served(way, held, { args: ["--rate-limit=store:4/4s"] });
    const firstPage = async () => {
      const reading = suite.client.store.queryGenerator([decoder(suite.client, TOPIC)], { paginationLimit: 100 });
      const { value } = await reading.next();
      await reading.return();
      return Promise.all(value);
    };

    test("what exceeds the rate is status 429 to the application, which is served again later", async () => {
      const readings = await Promise.allSettled(Array.from({ length: 12 }, firstPage));
      const refused = readings.filter(({ status }) => status === "rejected");
      assert.ok(refused.length > 0 && refused.length < 12, `${refused.length} of 12 were refused`);
      for (const { reason } of refused) {
        assert.match(reason.message, /status code: 429.*TOO_MANY_REQUESTS/);
      }
      const page = await until("the client is served again", () => firstPage().catch(() => null));
      assert.deepEqual(shown(page), hashes(held));
    });
  });
}
