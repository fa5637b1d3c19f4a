// Two nodes beside each other: what is published at one is archived at both, by relay, by sync and by resume.

import assert from "node:assert/strict";
import { test } from "node:test";

import { pubsubTopic } from "../support/network.js";
import { Node } from "../support/node.js";
import { Place } from "../support/program.js";
import { publish, stored, storedAt } from "../support/rest.js";
import { until } from "../support/wait.js";

const TOPIC = "/interop/1/two-nodes/proto";

const relaying = (...args) => ["--relay=true", "--shard=0", ...Node.REST, ...args];

/** Publishes messages of these numbers at `node`. */
async function publishNumbers(node, from, until_) {
  for (let number = from; number < until_; number += 1) {
    await publish(node, pubsubTopic(0), { payload: `message ${number}`, contentTopic: TOPIC });
  }
}

/** The numbers of the messages that `node` holds, in order. */
async function numbers(node) {
  const messages = await stored(node, TOPIC);
  const words = messages.map(({ message }) => Buffer.from(message.payload, "base64").toString());
  return words.map((text) => Number(text.replace("message ", ""))).sort((left, right) => left - right);
}

const range = (count) => Array.from({ length: count }, (_, number) => number);

async function waitFor(node, count) {
  const archived = until(`${count} messages are archived`, async () => (await numbers(node)).length >= count);
  await archived.catch(async (error) => {
    throw new Error(`${error.message}; there are ${await numbers(node)}; the log: ${node.log}`);
  });
  assert.deepEqual(await numbers(node), range(count));
}

async function place(t) {
  const made = await Place.make();
  t.after(() => made.remove());
  return made;
}

/** That both archives hold the same messages of the topic, and so many. */
async function assertEqualArchives(place, count) {
  const held = async (name) => (await place.export(name)).filter(({ message }) => message.contentTopic === TOPIC);
  const [a, b] = [await held("a"), await held("b")];
  assert.equal(a.length, count);
  assert.deepEqual(a, b);
}

/** Publishes at both until each one's archive has what the other published: they relay to each other. */
async function meet(a, b) {
  const contentTopic = "/interop/1/mesh/proto";
  const has = async (node, payload) =>
    (await stored(node, contentTopic)).some(
      ({ message }) => Buffer.from(message.payload, "base64").toString() === payload,
    );
  await until("each hears the other", async () => {
    await publish(a, pubsubTopic(0), { payload: "from a", contentTopic });
    await publish(b, pubsubTopic(0), { payload: "from b", contentTopic });
    return (await has(a, "from b")) && (await has(b, "from a"));
  });
}

test("what is published at either is archived at both, by relay alone", async (t) => {
  const at = await place(t);
  const alone = relaying("--store-sync=false", "--store-resume=false");
  const a = await Node.start(at, "a", ...alone);
  const b = await Node.start(at, "b", ...alone, `--staticnode=${a.tcp}`);
  await meet(a, b);
  await publishNumbers(a, 0, 20);
  await waitFor(b, 20);
  await publishNumbers(b, 20, 40);
  await waitFor(a, 40);
  await Promise.all([a.stop(), b.stop()]);
});

test("a node asks the other's store for messages", async (t) => {
  const at = await place(t);
  const a = await Node.start(at, "a", ...relaying());
  // It isn't told to stay with the other, relays nothing and has nothing of its own.
  const b = await Node.start(at, "b", "--relay=false", "--shard=0", ...Node.REST);
  await publishNumbers(a, 0, 7);
  await waitFor(a, 7);
  assert.deepEqual(await numbers(b), []);
  assert.deepEqual(await storedAt(b, a.tcp, TOPIC), await stored(a, TOPIC));
  await Promise.all([a.stop(), b.stop()]);
});

test("what was published while a node was stopped is resumed, and relay goes on", async (t) => {
  const at = await place(t);
  // No sync of the schedule fills it: resume does.
  const resuming = relaying("--store-sync-interval=1h");
  const a = await Node.start(at, "a", ...resuming);
  let b = await Node.start(at, "b", ...resuming, `--staticnode=${a.tcp}`);
  await meet(a, b);
  await publishNumbers(a, 0, 10);
  await waitFor(b, 10);
  // A node that was never online has missed nothing.
  await b.logged("online");
  await b.stop();
  await publishNumbers(a, 10, 40);
  b = await Node.start(at, "b", ...resuming, `--staticnode=${a.tcp}`);
  await waitFor(b, 40);
  await meet(a, b);
  await publishNumbers(a, 40, 50);
  await waitFor(b, 50);
  await Promise.all([a.stop(), b.stop()]);
  await assertEqualArchives(at, 50);
});

test("what nodes missed that can't relay to each other is filled by sync", async (t) => {
  const at = await place(t);
  const syncing = [
    "--shard=0",
    ...Node.REST,
    "--store-sync-interval=500ms",
    "--store-sync-relay-jitter=1s",
    "--store-resume=false",
  ];
  const a = await Node.start(at, "a", "--relay=true", ...syncing);
  const b = await Node.start(at, "b", "--relay=false", ...syncing, `--staticnode=${a.tcp}`);
  await publishNumbers(a, 0, 60);
  await waitFor(b, 60);
  await Promise.all([a.stop(), b.stop()]);
  await assertEqualArchives(at, 60);
});
