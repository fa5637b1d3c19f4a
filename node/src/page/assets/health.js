// How the node is: the pill in the bar, the facts, and its protocols.

import { byId, make, replace, say } from "./dom.js";
import { ago, bytes, count, peer, seconds } from "./units.js";

const WORDS = {
  READY: "Ready",
  NOT_READY: "Not ready",
  INITIALIZING: "Starting",
  SHUTTING_DOWN: "Ending",
  NOT_MOUNTED: "Not part of this node",
};

const CONNECTION = { Connected: "Well connected", PartiallyConnected: "Few peers", Disconnected: "No peers" };

let last = null;

/** Shows it, and announces when it becomes another. */
export function show(state, announce) {
  const { node, health } = state;
  say(byId("node-name"), peer(node.peerId));
  byId("node-name").title = node.peerId;
  const status = byId("node-status");
  status.dataset.status = health.node;
  say(status, WORDS[health.node] ?? health.node);
  if (last !== null && last !== health.node) announce(`The node is ${WORDS[health.node].toLowerCase()}.`);
  last = health.node;
  document.title = `${WORDS[health.node]} – wakustore ${peer(node.peerId)}`;
  replace(byId("facts"), facts(state));
  replace(byId("protocols"), health.protocols.filter((protocol) => protocol.status !== "NOT_MOUNTED").map(protocolItem),
    absent(health.protocols));
  const cluster = node.clusterId === null ? "" : `, cluster ${node.clusterId}`;
  say(byId("about"), `wakustore ${node.version}${cluster}. Peer id ${node.peerId}`);
}

function facts({ at, node, health, peers, archive }) {
  const stale = health.age !== null && health.age > 15;
  const age = stale ? `, as of ${seconds(health.age)} ago` : "";
  const relaying = peers.relaying === null ? "relay is off" : `${count(peers.relaying)} of them relay`;
  return [
    fact("Connection", CONNECTION[health.connection] ?? health.connection, `${count(peers.connected)} connected, ${relaying}${age}`,
      health.connection === "Disconnected" ? "warn" : null),
    fact("Messages", count(archive.messages), archive.oldest === null ? "none yet" : `the oldest of ${ago(archive.oldest, at)}`),
    fact("On disk", archive.diskBytes === null ? "Not measured yet" : bytes(archive.diskBytes),
      archive.cap === null ? "no cap" : `of at most ${bytes(archive.cap)}`),
    fact("Running for", seconds(Math.max(1, Math.floor(node.uptime))),
      node.syncInterval === null ? "doesn’t sync by itself" : `syncs every ${seconds(node.syncInterval)}`),
  ];
}

function fact(title, value, note, status = null) {
  return make("div", { class: "fact", "data-status": status },
    make("dt", {}, title), make("dd", { class: "fact-value" }, value), make("dd", { class: "fact-note" }, note));
}

function protocolItem(protocol) {
  return make("li", { class: "protocol", "data-status": protocol.status },
    make("span", { class: "dot", "aria-hidden": "true" }),
    make("span", { class: "protocol-name" }, protocol.name),
    make("span", { class: "protocol-status" }, WORDS[protocol.status] ?? protocol.status),
    protocol.desc ? make("span", { class: "protocol-desc" }, `– ${protocol.desc}`) : null);
}

function absent(protocols) {
  const names = protocols.filter((protocol) => protocol.status === "NOT_MOUNTED").map((protocol) => protocol.name);
  return names.length ? make("li", { class: "protocols-absent" }, `Not part of this node: ${names.join(", ")}.`) : null;
}
