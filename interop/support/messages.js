// Messages, as lines of an import and as js-waku shows and hashes them.

import { waku } from "@waku/sdk";

import { pubsubTopic } from "./network.js";

/** Nanoseconds in a millisecond, the unit of js-waku's times. */
export const MILLISECOND = 1_000_000n;

/** The present less so many seconds, in nanoseconds since 1970. */
export const ago = (seconds) => (BigInt(Date.now()) - BigInt(seconds) * 1_000n) * MILLISECOND;

export const hex = (bytes) => Buffer.from(bytes).toString("hex");

/** A message of shard 0, unless told otherwise, with its hash as js-waku has it. */
export function message(fields) {
  const made = { pubsubTopic: pubsubTopic(0), ...fields };
  made.hash = waku.messageHash(made.pubsubTopic, made);
  return made;
}

/** So many messages of a content topic, `step` nanoseconds apart, in the order of archives. */
export function series(contentTopic, count, { since = ago(1_800), step = 7_000_003n, bytes = 24, ...rest } = {}) {
  const made = Array.from({ length: count }, (_, number) => {
    const payload = Buffer.alloc(bytes, number % 251);
    payload.write(`${contentTopic} ${number}`.slice(-bytes));
    return message({ contentTopic, payload, timestamp: since + BigInt(number) * step, ...rest });
  });
  return made.sort(byTimeAndHash);
}

export function byTimeAndHash(left, right) {
  if (left.timestamp !== right.timestamp) return left.timestamp < right.timestamp ? -1 : 1;
  return Buffer.compare(left.hash, right.hash);
}

/** The line of an import. It claims js-waku's hash, so a node that hashes otherwise refuses it. */
export function line({ hash, pubsubTopic, payload, contentTopic, timestamp, version, meta, ephemeral, proof }) {
  const base64 = (bytes) => bytes && Buffer.from(bytes).toString("base64");
  return JSON.stringify({
    messageHash: `0x${hex(hash)}`,
    pubsubTopic,
    message: {
      payload: base64(payload),
      contentTopic,
      version,
      // More digits than a number of JavaScript has.
      timestamp: JSON.rawJSON(timestamp.toString()),
      meta: base64(meta),
      ephemeral,
      proof: base64(proof),
    },
  });
}

export const hashes = (messages) => messages.map(({ hash }) => hex(hash));
