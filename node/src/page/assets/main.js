// Puts the page together.

import { byId, say } from "./dom.js";
import { follow } from "./feed.js";
import * as archive from "./archive.js";
import * as health from "./health.js";
import * as heat from "./heat.js";
import * as limits from "./limits.js";
import * as peers from "./peers.js";
import * as rounds from "./rounds.js";
import * as sessions from "./sessions.js";
import * as theme from "./theme.js";
import { minute } from "./units.js";

const FEED = { live: "Live", waiting: "Connecting", starting: "Node is starting", limited: "Too many calls", crowded: "Not live", lost: "Connection lost" };

/** What is said where figures don't come. */
const WORDS = {
  starting: () => "The node is starting; its figures come as soon as it has.",
  limited: () => "So much is asked of this node by REST that it tells no more for now. Trying again.",
  crowded: () => "Too many pages of this node are open, so this one isn’t told what happens, and asks every few seconds. Close another one.",
  lost: () => `Connection lost, ${figuresOf ? `figures of ${minute(figuresOf)}` : "no figures yet"}. Trying again; is the node running?`,
};

let figuresOf = null;
let lostAt = false;

const announce = (text) => say(byId("announce"), text);

const told = {
  state(state) {
    const isFirst = figuresOf === null;
    figuresOf = state.at;
    health.show(state, announce);
    peers.show(state.peers, state.at);
    archive.show(state.archive, state.at);
    limits.show(state.limits, state.at);
    sessions.about(state.node, state.peers);
    if (state.sessions) sessions.reset(state.sessions);
    if (isFirst) heat.load();
  },
  sessions(changed) {
    sessions.change(changed);
  },
  connection(state) {
    const feed = byId("feed");
    feed.dataset.feed = state;
    say(feed, FEED[state]);
    const lost = byId("lost");
    const words = WORDS[state]?.() ?? "";
    lost.hidden = words === "";
    say(lost, words);
    if (state === "lost" && !lostAt) announce(words);
    if (state === "live" && lostAt) announce("Connected again.");
    if (state === "live") heat.load();
    lostAt = state === "lost" || (lostAt && state !== "live");
    document.body.dataset.feed = state;
  },
};

theme.start();
rounds.start();
sessions.start((chosen, session) => rounds.choose(chosen, session));
heat.start();
follow(told);
