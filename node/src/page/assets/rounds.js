// The rounds of one session, drawn as ranges being narrowed.

import { byId, make, replace, say } from "./dom.js";
import { frames } from "./drawing.js";
import { get } from "./feed.js";
import { count, counted, peer, seconds } from "./units.js";

let shown = null;
let wanted = null;
let loading = false;
let dirty = false;
let zooms = true;

/** Makes the place where they are drawn. */
export function start() {
  const box = make("input", { type: "checkbox", id: "zooms" });
  box.checked = zooms;
  box.addEventListener("change", () => {
    zooms = box.checked;
    if (shown) show(shown);
  });
  byId("rounds").append(make("figure", { class: "rounds", hidden: true, "aria-labelledby": "rounds-title" },
    make("figcaption", {},
      make("h3", { id: "rounds-title" }),
      make("p", { id: "rounds-lead", class: "lead" }),
      make("p", { class: "explain" }, "Each row is a frame, drawn over the time that is compared. Where fingerprints are equal, "
        + "nothing more is said; where they differ, the range is split, until it is cheaper to list the ids in it.")),
    make("div", { class: "rounds-head" },
      legend(),
      make("p", { class: "option" }, box, make("label", { for: "zooms" }, "Enlarge what is left"))),
    make("ol", { id: "frames", class: "frames" }),
    make("p", { id: "frames-beyond", class: "note" })));
}

/** Draws a session, whenever something of it has changed. */
export function choose(id, session) {
  const figure = byId("rounds").firstElementChild;
  figure.hidden = id === null;
  if (id === null || !session) return;
  const version = `${session.id} ${session.phase} ${session.rounds} ${session.bytesSent}`;
  say(byId("rounds-title"), `Session #${session.id} with ${peer(session.peer)}`);
  say(byId("rounds-lead"), lead(session));
  if (version === wanted?.version) return;
  wanted = { id, version };
  load();
}

function lead(session) {
  const took = session.reconcileSeconds ? ` in ${seconds(session.reconcileSeconds)}` : "";
  const rounds = `${counted(session.rounds, "frame")} received${took}`;
  if (session.phase === "failed") return `${rounds}; it failed: ${session.reason}.`;
  if (session.phase === "yielded") return "Given up for the session that the peer had started at the same time.";
  if (session.phase === "reconciling") return `${rounds} so far.`;
  const here = session.need === 0 ? "nothing lacking here" : `${counted(session.need, "message")} lacking here`;
  if (session.have === null) return `${rounds}: ${here}; what the peer lacks it fetches by itself.`;
  if (session.have + session.need === 0) return `${rounds}: both archives hold the same.`;
  return `${rounds}: ${here}, ${count(session.have)} lacking there.`;
}

async function load() {
  if (loading) {
    dirty = true;
    return;
  }
  loading = true;
  do {
    dirty = false;
    const asked = wanted;
    try {
      const detail = await get(`/page/sessions/${asked.id}`);
      if (asked.id === wanted.id) show(detail);
    } catch {
      // Forgotten meanwhile, or the connection is lost, of which the page tells. What is told of the session
      // next has it loaded again.
      if (wanted === asked) wanted = null;
      if (shown && shown.session.id !== asked.id) hide();
    }
  } while (dirty && wanted);
  loading = false;
}

function show(detail) {
  shown = detail;
  replace(byId("frames"), frames(detail, zooms));
  const beyond = detail.framesBeyond;
  say(byId("frames-beyond"), beyond ? `${counted(beyond, "more frame")} aren’t drawn.` : "");
}

/** Draws none, where those that are drawn are of another session. */
function hide() {
  shown = null;
  replace(byId("frames"));
  say(byId("frames-beyond"), "");
}

function legend() {
  const entry = (kind, words) => make("li", {}, make("span", { class: `swatch said-${kind}`, "aria-hidden": "true" }), words);
  return make("ul", { class: "legend", "aria-label": "What a frame says of a range" },
    entry("fingerprint", "fingerprint"), entry("ids", "list of ids"), entry("skip", "nothing: settled"));
}
