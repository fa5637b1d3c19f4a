// Sessions of now and of late.

import { byId, empty, make, replace, table } from "./dom.js";
import { bytes, count, peer, second, seconds } from "./units.js";

/** Sessions listed before all are asked for. */
const LISTED = matchMedia("(max-width: 60rem)").matches ? 4 : 8;

/** Sessions that are kept here, as many as the node keeps. */
const KEPT = 64;

const COLUMNS = [
  { title: "Session" },
  { title: "State", bare: true },
  { title: "Peer", bare: true },
  { title: "Rounds", number: true },
  { title: "Bytes", number: true },
  { title: "Lacking there", number: true },
  { title: "Lacking here", number: true },
  { title: "Fetched", number: true },
  { title: "Refused", number: true },
];

const sessions = new Map();
let chosen = null;
let following = true;
let showAll = false;
let drawn = null;
let node = null;
let peersKnown = 0;

/** Tells `draw` which session to draw, whenever that or something of it changes. */
export function start(draw) {
  drawn = draw;
  byId("follow").addEventListener("change", (event) => {
    following = event.target.checked;
    if (following) change([]);
  });
  byId("sessions").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.id === "more") {
      showAll = !showAll;
      show();
    } else if (button) {
      pick(Number(button.dataset.session));
    }
  });
}

/** What is said where there are none depends on the node and its peers. */
export function about(ofNode, peers) {
  node = ofNode;
  peersKnown = peers.connected;
  if (sessions.size === 0) show();
}

/** Takes all of them. */
export function reset(all) {
  sessions.clear();
  change(all);
}

/** Takes those that have changed. */
export function change(some) {
  for (const session of some) sessions.set(session.id, session);
  const old = [...sessions.keys()].sort((a, b) => b - a).slice(KEPT);
  for (const id of old) sessions.delete(id);
  if (following || !sessions.has(chosen)) chosen = mostTelling();
  show();
  const changedOne = some.find((session) => session.id === chosen);
  drawn(chosen, changedOne ?? sessions.get(chosen) ?? null);
}

/** Messages that either side lacks, as far as this node is told. */
const found = (session) => (session.have ?? 0) + session.need;

/** The newest session that found differences; without any the newest of all. */
function mostTelling() {
  const newest = [...sessions.values()].sort((a, b) => b.id - a.id);
  const telling = newest.find((session) => found(session) > 0);
  return (telling ?? newest[0])?.id ?? null;
}

function pick(id) {
  chosen = id;
  following = false;
  byId("follow").checked = false;
  show();
  drawn(chosen, sessions.get(chosen));
}

function show() {
  const place = byId("sessions");
  byId("follow-option").hidden = sessions.size === 0;
  if (sessions.size === 0) {
    replace(place, nothing());
    return;
  }
  const all = [...sessions.values()].sort((a, b) => b.id - a.id);
  const focused = Number(document.activeElement?.dataset.session ?? NaN);
  const listed = all.filter((session, position) => showAll || position < LISTED || session.id === chosen || session.id === focused);
  const rows = listed.map((session) => ({
    key: session.id,
    attributes: { "data-chosen": session.id === chosen ? "true" : null },
    cells: cells(session),
  }));
  replace(place, table("Sessions, those first that began last", COLUMNS, rows, { class: "sessions" }),
    all.length > LISTED ? more(all.length) : null);
}

function nothing() {
  const interval = node?.syncInterval;
  const advice = peersKnown === 0
    ? "The node reconciles with its peers, and has none yet: see Peers below."
    : interval ? `The node reconciles with a random peer every ${seconds(interval)}; the first session is drawn here as it goes.`
      : "This node doesn’t sync by itself; peers may start sessions with it.";
  return empty("No session yet.", advice);
}

function more(all) {
  return make("button", { type: "button", id: "more", class: "quiet", "aria-expanded": String(showAll) },
    showAll ? "Show fewer" : `Show all ${count(all)}`);
}

function cells(session) {
  const isChosen = session.id === chosen;
  const button = make("button", {
    type: "button", class: "link", "data-session": session.id,
    "aria-pressed": String(isChosen), title: "Draw the rounds of this session",
  }, `#${session.id}`);
  const took = session.reconcileSeconds ?? session.seconds;
  return [
    [button, make("span", { class: "note" }, second(session.started))],
    [chip(session), make("span", { class: "note" }, session.reason ?? `in ${seconds(took)}`)],
    [make("span", { class: "id", title: session.peer }, peer(session.peer)),
      make("span", { class: "note" }, `${session.role === "initiator" ? "asked by this node" : "asked by the peer"}, ${session.dialect === "own" ? "own protocol" : "Waku’s protocol"}`)],
    count(session.rounds),
    [`${bytes(session.bytesSent + session.bytesReceived)}`, filling(session)],
    session.have === null ? [make("span", { "aria-hidden": "true" }, "–"), make("span", { class: "visually-hidden" }, "not told")] : count(session.have),
    count(session.need),
    session.need === 0 ? "–" : `${count(session.fetched)} of ${count(session.need)}`,
    count(session.refused),
  ];
}

function filling(session) {
  const total = session.fillBytesSent + session.fillBytesReceived;
  return total && found(session) > 0 ? make("span", { class: "note" }, `+ ${bytes(total)} of messages`) : null;
}

/** How it stands, in a word and a kind for the colour. */
export function standing(session) {
  switch (session.phase) {
    case "reconciling": return ["Reconciling", "busy"];
    case "filling": return ["Fetching", "busy"];
    case "yielded": return ["Gave way", "quiet"];
    case "failed": return ["Failed", "bad"];
    default:
      if (session.owed > 0) return [`${count(session.owed)} still owed`, "warn"];
      if (session.undelivered > 0) return [`${count(session.undelivered)} not confirmed`, "warn"];
      if (found(session) > 0) return ["Filled", "good"];
      return session.have === null ? ["Nothing lacking", "good"] : ["Equal", "good"];
  }
}

function chip(session) {
  const [word, kind] = standing(session);
  return make("span", { class: "chip", "data-kind": kind }, word);
}
