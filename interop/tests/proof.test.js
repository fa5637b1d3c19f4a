// Rate limit proofs (field 21): valid ones are kept, and no garbage there ever fails a page of js-waku's, which
// decodes them as a message of their own.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { waku } from "@waku/sdk";

import { decoder, pages, shown, WAYS } from "../support/client.js";
import { hashes, hex, series } from "../support/messages.js";
import { Random } from "../support/random.js";
import { served } from "../support/served.js";

const { RateLimitProof } = waku.message.version_0.proto;
const random = new Random("proofs");

const FIELDS = { proof: 128, merkleRoot: 32, epoch: 32, shareX: 32, shareY: 32, nullifier: 32, rlnIdentifier: 32 };
const proof = Object.fromEntries(Object.entries(FIELDS).map(([name, bytes]) => [name, random.bytes(bytes)]));
const encoded = Buffer.from(RateLimitProof.encode(proof));

const bytes = (digits) => Buffer.from(digits, "hex");
const GARBAGE = {
  "bytes that are no protobuf": bytes("ffffffffffffffffffff"),
  "a field that ends too early": bytes("0a20aabb"),
  "a length of 2^64 - 1": bytes("0affffffffffffffffff01"),
  "a proof that is a number": bytes("0801"),
  "a field of a wire type that doesn't exist": bytes("0f01"),
  "a group that doesn't end": bytes("530801"),
  "the end of a group that never began": bytes("54"),
  "field number 0": bytes("0000"),
  "a valid proof that lacks its last byte": encoded.subarray(0, -1),
  "a valid proof and one byte more": Buffer.concat([encoded, bytes("ff")]),
};

/** A valid proof with a few bytes changed, cut short, or random bytes. */
function mutated() {
  const kind = random.below(3);
  if (kind === 0) return random.bytes(1 + random.below(60));
  const changed = Buffer.from(encoded);
  if (kind === 1) return changed.subarray(0, random.below(changed.length));
  for (let change = 0; change <= random.below(4); change += 1) {
    // Most changes to the contents are harmless: those to the tags and lengths at the start aren't.
    changed[random.below(2) ? random.below(8) : random.below(changed.length)] = random.below(256);
  }
  return changed;
}

const VALID = "/interop/1/valid-proof/proto";
const INVALID = "/interop/1/garbage-proof/proto";
const MUTATED = "/interop/1/mutated-proof/proto";

const valid = series(VALID, 3).map((message, number) => (number === 1 ? { ...message, proof: encoded } : message));
const kinds = Object.entries(GARBAGE);
const garbage = series(INVALID, kinds.length).map((message, number) => ({ ...message, proof: kinds[number][1] }));
const mutations = series(MUTATED, 600).map((message) => ({ ...message, proof: mutated() }));

for (const way of Object.keys(WAYS)) {
  describe(`rate limit proofs over ${way}`, () => {
    const suite = served(way, [...valid, ...garbage, ...mutations]);

    test("a valid proof comes as it was stored", async () => {
      const [page] = await pages(suite.client, decoder(suite.client, VALID));
      assert.deepEqual(shown(page), hashes(valid));
      const found = page[1].rateLimitProof;
      const fields = (of) => Object.fromEntries(Object.keys(FIELDS).map((name) => [name, hex(of[name])]));
      assert.deepEqual(fields(found), fields(proof));
      assert.equal(page[0].rateLimitProof, undefined);
    });

    for (const [number, [kind]] of kinds.entries()) {
      test(`${kind} fails no page`, async () => {
        const asked = { messageHashes: [garbage[number].hash] };
        const [page] = await pages(suite.client, decoder(suite.client, INVALID), asked);
        assert.deepEqual(shown(page), hashes([garbage[number]]));
      });
    }

    test("a page of garbage comes whole", async () => {
      const read = await pages(suite.client, decoder(suite.client, INVALID));
      assert.deepEqual(shown(read.flat()), hashes(garbage));
    });

    test("600 mutations of a proof fail no page", async () => {
      const read = await pages(suite.client, decoder(suite.client, MUTATED), { paginationLimit: 100 });
      assert.deepEqual(shown(read.flat()), hashes(mutations));
    });
  });
}
