// Random bytes that are the same for the same seed.

import { createHash } from "node:crypto";

export class Random {
  #seed;
  #drawn = 0;

  constructor(seed) {
    this.#seed = seed;
  }

  bytes(count) {
    const blocks = [];
    for (let bytes = 0; bytes < count; bytes += 32) {
      blocks.push(createHash("sha256").update(`${this.#seed} ${this.#drawn++}`).digest());
    }
    return Buffer.concat(blocks).subarray(0, count);
  }

  /** A number below `bound`. */
  below(bound) {
    return this.bytes(4).readUInt32BE() % bound;
  }
}
