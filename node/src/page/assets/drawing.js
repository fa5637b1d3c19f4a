// Frames as rows of ranges over time.

import { draw, make } from "./dom.js";
import { bytes, count, counted, instant, seconds } from "./units.js";

/** Drawings are this wide and get scaled to the room there is. */
const WIDTH = 1000;
const HEIGHT = 20;

/** What a row is about is enlarged where it takes less than this part of the row above. */
const NARROW = 0.4;

/** What stays free on each side of what is enlarged. */
const MARGIN = 0.04;

/** The least width of a range, so that none gets lost. */
const LEAST = 3;

const SAID = { skip: "nothing", unread: "couldn’t be read", fingerprint: "fingerprint", ids: "list of ids" };

/** The rows of a session. With `zooms`, a row about little of the one above is drawn larger than that. */
export function frames(session, zooms) {
  let domain = [session.since, session.until];
  let drawnBefore = false;
  return session.frames.map((frame) => {
    const hasRanges = frame.ranges.length > 0;
    const before = domain;
    if (hasRanges && drawnBefore && zooms) domain = narrowed(frame.ranges, session.since, before);
    const enlarged = hasRanges && drawnBefore && domain !== before;
    const row = make("li", { class: "frame", "data-kind": frame.kind },
      make("div", { class: "frame-head" }, enlarged ? funnel(before, domain) : null, label(frame)),
      hasRanges ? strip(frame.ranges, session.since, domain) : null,
      hasRanges && (enlarged || !drawnBefore) ? axis(domain) : null);
    drawnBefore ||= hasRanges;
    return row;
  });
}

/** Each range with its start. */
function placed(ranges, since) {
  let start = since;
  return ranges.map((range) => {
    const one = { ...range, since: start };
    start = range.until;
    return one;
  });
}

/** The times that a row is drawn over: those that it says something about, where they are few. */
function narrowed(ranges, since, domain) {
  const open = placed(ranges, since).filter((range) => range.said !== "skip");
  if (open.length === 0) return domain;
  const from = Math.max(domain[0], open[0].since);
  const to = Math.min(domain[1], open.at(-1).until);
  const width = to - from;
  const whole = domain[1] - domain[0];
  if (width <= 0 || width > NARROW * whole) return domain;
  const margin = MARGIN * width;
  return [Math.max(domain[0], from - margin), Math.min(domain[1], to + margin)];
}

const scale = (domain) => (at) => {
  const width = domain[1] - domain[0];
  return width <= 0 ? 0 : Math.min(WIDTH, Math.max(0, ((at - domain[0]) / width) * WIDTH));
};

function strip(ranges, since, domain) {
  const x = scale(domain);
  const shown = placed(ranges, since).filter((range) => range.until >= domain[0] && range.since <= domain[1]);
  // What says most is drawn last, over its neighbours.
  const order = ["skip", "unread", "fingerprint", "ids"];
  const rects = shown.sort((a, b) => order.indexOf(a.said) - order.indexOf(b.said)).map((range) => {
    const left = x(range.since);
    const width = x(range.until) - left;
    const gap = width > 4 * LEAST && range.said !== "skip" ? 1.5 : 0;
    const wide = Math.max(width - gap, LEAST);
    const thin = range.said === "skip";
    return draw("rect", {
      class: `said-${range.said}`, x: Math.min(left, WIDTH - wide).toFixed(1), width: wide.toFixed(1),
      y: thin ? 8 : 0, height: thin ? 4 : HEIGHT,
    }, draw("title", {}, words(range, domain)));
  });
  return draw("svg", { class: "strip", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" }, rects);
}

function words(range, domain) {
  const span = domain[1] - domain[0];
  const ids = range.ids ? `, ${counted(range.ids, "id")}` : "";
  const many = range.ranges > 1 ? `, ${count(range.ranges)} ranges` : "";
  return `${instant(range.since, span)} to ${instant(range.until, span)}: ${SAID[range.said]}${ids}${many}`;
}

/** What of the row above is drawn larger in this one. */
function funnel(before, domain) {
  const x = scale(before);
  const [left, right] = [x(domain[0]), Math.max(x(domain[1]), x(domain[0]) + LEAST)];
  return draw("svg", { class: "funnel", viewBox: `0 0 ${WIDTH} 100`, preserveAspectRatio: "none", "aria-hidden": "true" },
    draw("polygon", { points: `${left},0 ${right},0 ${WIDTH},100 0,100` }));
}

function axis(domain) {
  const span = domain[1] - domain[0];
  return make("p", { class: "axis" }, make("span", {}, instant(domain[0], span)),
    make("span", { class: "axis-span" }, seconds(span / 1e3)), make("span", {}, instant(domain[1], span)));
}

function label(frame) {
  return make("p", { class: "frame-label" },
    make("strong", {}, `Round ${frame.round}`),
    make("span", { class: "direction", "data-sent": String(frame.sent) }, frame.sent ? "→ sent" : "← received"),
    make("span", { class: "size" }, `${bytes(frame.bytes)} after ${seconds(frame.after / 1e3)}`),
    make("span", { class: "says" }, says(frame)));
}

function says(frame) {
  switch (frame.kind) {
    case "hello": return `Hello: ${counted(frame.count, "message")} in the time compared`;
    case "have": return frame.count === 0 ? `Nothing that ${frame.sent ? "the peer" : "this node"} lacks` : `${counted(frame.count, "id")} that ${frame.sent ? "the peer" : "this node"} lacks`;
    case "list": return "What do you hold?";
    case "listed": return `A list of ${counted(frame.count, "message")}`;
    case "noted": return `Noted${frame.count === 0 ? "" : `: ${counted(frame.count, "id")}`}`;
    case "refusal": return `Refused: ${frame.reason}`;
    case "malformed": return `Can’t be read: ${frame.reason}`;
    case "tooLong": return "Too long to be drawn";
    case "end": return "Nothing more to say";
    default: return ofRanges(frame.tally);
  }
}

function ofRanges({ fingerprints, lists, ids, skips }) {
  const parts = [
    fingerprints ? counted(fingerprints, "fingerprint") : null,
    lists ? `${counted(lists, "list")} with ${counted(ids, "id")}` : null,
    skips ? `${counted(skips, "range")} settled` : null,
  ].filter(Boolean);
  return parts.length ? parts.join(", ") : "All is settled";
}
