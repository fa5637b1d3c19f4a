// A node over one archive, and the client that asks it, for the tests of a file.

import { after, before } from "node:test";

import { connect } from "./client.js";
import { line } from "./messages.js";
import { ALL_SHARDS } from "./network.js";
import { Node } from "./node.js";
import { Place } from "./program.js";

/** Before the tests of a suite, a node is started over `messages`, and a client connected by `way`; both
 * end behind them. The node has to have ended well, and the client to have stayed connected. */
export function served(way, messages, { args = [], networkConfig } = {}) {
  const suite = {};
  before(async () => {
    suite.place = await Place.make();
    await suite.place.import("a", messages.map(line));
    suite.node = await Node.start(suite.place, "a", ...ALL_SHARDS, ...args);
    suite.client = await connect(way, suite.node, networkConfig);
    suite.connection = suite.client.libp2p.getConnections()[0].id;
  });
  after(async () => {
    const connections = suite.client?.libp2p.getConnections().map((connection) => connection.id);
    await suite.client?.stop();
    await suite.node?.stop();
    await suite.place?.remove();
    if (connections?.[0] !== suite.connection) {
      throw new Error(`the connection of all tests was lost: ${connections}`);
    }
  });
  return suite;
}
