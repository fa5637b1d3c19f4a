// Who is there, and what each speaks.

import { byId, code, empty, make, replace, say, table } from "./dom.js";
import { ago, count, counted, peer, seconds } from "./units.js";

const CONNECTED = {
  Connected: "Connected",
  NotConnected: "Not tried yet",
  CannotConnect: "Can’t be reached",
  CanConnect: "Gone",
};

const COLUMNS = [
  { title: "Peer" },
  { title: "State", bare: true },
  { title: "Speaks", bare: true },
  { title: "Shards" },
  { title: "Ping", number: true },
  { title: "Differs by" },
];

/** Shows them, as of the time `at`. */
export function show(peers, at) {
  say(byId("peers-lead"), lead(peers));
  replace(byId("peer-list"), peers.listed.length === 0 ? nobody() : list(peers, at));
}

function lead(peers) {
  const away = peers.known - peers.connected;
  if (peers.known === 0) return "No peer is known.";
  const others = peers.known - peers.listed.length;
  return `${counted(peers.connected, "peer")} connected`
    + (away ? `, ${count(away)} away` : "")
    + (others ? `; ${count(others)} more aren’t listed.` : ".");
}

function nobody() {
  return empty("No peers yet.",
    ["Start the node with ", code("--staticnode=/ip4/…/tcp/…/p2p/16Uiu2HA…"), " to have it stay connected with another one."]);
}

function list(peers, at) {
  const rows = peers.listed.map((one) => ({
    key: one.peerId,
    attributes: { "data-connected": one.connected },
    cells: [name(one), state(one, at), speaks(one), shards(one), ping(one), differs(one)],
  }));
  return table("Peers of this node: their state, what they speak, and how they compare", COLUMNS, rows, { class: "peers" });
}

function name(one) {
  return [make("span", { class: "id", title: one.peerId }, peer(one.peerId)),
    make("span", { class: "note" }, one.agent || "hasn’t said what it is"),
    one.address ? make("span", { class: "note address" }, one.address) : null];
}

function state(one, at) {
  const connected = one.connected === "Connected";
  const since = connected && one.since !== null ? `for ${seconds(Math.max(1, Math.floor((at - one.since) / 1e3)))}` : null;
  const failed = !connected && one.failedDials > 0
    ? `${counted(one.failedDials, "failed attempt")}, the last ${ago(one.failedAt ?? at, at)}` : null;
  const how = [one.isInbound && connected ? "came by itself" : null, one.isStatic ? "kept by configuration" : null];
  return [make("span", { class: "peer-state", "data-connected": one.connected }, CONNECTED[one.connected] ?? one.connected),
    make("span", { class: "note" }, [since, failed, ...how].filter(Boolean).join("; ")),
    one.failure && !connected ? make("span", { class: "note failure" }, one.failure) : null];
}

function speaks(one) {
  if (!one.speaks?.length) return make("span", { class: "note" }, one.speaks ? "nothing of Waku’s" : "hasn’t said");
  return make("span", { class: "tags" }, one.speaks.map((word) => make("span", { class: "tag" }, word)));
}

function shards(one) {
  const cluster = one.clusterId === null ? "" : `cluster ${one.clusterId}: `;
  if (one.shards.length === 0) return one.clusterId === null ? "–" : `${cluster}none`;
  return cluster + spans(one.shards);
}

/** 0–7, 9 */
function spans(numbers) {
  const found = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last && last[1] + 1 === number) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(", ");
}

const ping = (one) => (one.roundTrip === null ? "–" : seconds(one.roundTrip / 1e3));

function differs(one) {
  if (one.compared === null) return make("span", { class: "note" }, "not compared yet");
  const when = make("span", { class: "note" }, ago(-one.compared * 1e3, 0));
  if (one.behind === 0 && one.ahead === 0) return [make("span", {}, "nothing"), when];
  return [make("span", {}, `it holds ${count(one.behind)} more, lacks ${count(one.ahead)}`), when];
}
