// The archive's size against its cap, and how long that lasts.

import { byId, code, draw, empty, make, replace } from "./dom.js";
import { bytes, count, counted, date, moment, percent, seconds } from "./units.js";

/** Shows it, as of the time `at`. */
export function show(archive, at) {
  replace(byId("archive-figures"), archive.messages === 0 ? empty("The archive is empty.",
    ["Messages come by relay, by sync with peers, or from a file: ", code("wakustore import FILE"), "."])
    : null, make("div", { class: "columns" }, size(archive), forecast(archive, at)));
}

function size(archive) {
  const { diskBytes, cap } = archive;
  const title = make("h3", { id: "disk-title" }, "On disk");
  if (diskBytes === null) return make("div", { class: "card" }, title, make("p", { class: "note" }, "Not measured yet."));
  const age = archive.diskAge > 60 ? `, measured ${seconds(archive.diskAge)} ago` : "";
  const figure = make("p", { class: "big" }, bytes(diskBytes), make("span", { class: "big-of" }, cap === null ? "" : ` of ${bytes(cap)}`));
  if (cap === null) {
    return make("div", { class: "card" }, title, figure,
      make("p", { class: "note" }, `${counted(archive.messages, "message")}${age}. There is no cap on the disk: `,
        code("--store-message-retention-policy=size:30GB"), " would set one."));
  }
  const part = Math.min(1, diskBytes / cap);
  const meter = make("div", {
    class: "meter", role: "meter", "aria-labelledby": "disk-title", "aria-valuemin": 0, "aria-valuemax": 100,
    "aria-valuenow": (part * 100).toFixed(1), "aria-valuetext": `${percent(part)} of the cap`, "data-full": String(part > 0.95),
  }, draw("svg", { viewBox: "0 0 100 1", preserveAspectRatio: "none", "aria-hidden": "true" },
    draw("rect", { width: Math.max(part * 100, 0.5).toFixed(1), height: 1 })));
  return make("div", { class: "card" }, title, figure, meter,
    make("p", { class: "note" }, `${percent(diskBytes / cap)} of the cap, ${counted(archive.messages, "message")}${age}.`));
}

function forecast(archive, at) {
  const title = make("h3", {}, "How long it lasts");
  const kept = make("p", { class: "note" }, "Policy: ", code(archive.policy),
    archive.pruned ? `; ${counted(archive.pruned, "message")} removed to keep to it since the start.` : ".");
  if (archive.growth === null) {
    return make("div", { class: "card" }, title, make("p", {}, "Too little to tell from: less than a whole hour of messages is held."), kept);
  }
  const { hours, messagesPerDay, diskBytesPerDay } = archive.growth;
  const grows = make("p", { class: "big" }, `${bytes(diskBytesPerDay)}`, make("span", { class: "big-of" }, " a day"));
  const by = make("p", { class: "note" }, `${count(messagesPerDay)} messages a day, by the last ${hours === 1 ? "hour" : `${count(hours)} hours`}.`);
  const bounds = archive.bounds.length === 0
    ? make("p", {}, "Nothing is ever removed: there is no policy.")
    : make("ul", { class: "plain" }, archive.bounds.map((bound) => make("li", { "data-met": String(bound.isMet) }, sentence(bound, at))));
  return make("div", { class: "card" }, title, grows, by, bounds, kept);
}

function sentence(bound, at) {
  const limit = { time: () => `Age of ${seconds(bound.limit)}`, capacity: () => counted(bound.limit, "message"), size: () => `${bytes(bound.limit)} on disk` }[bound.bound]();
  const keeps = bound.historyDays === null ? "" : `, which is ${days(bound.historyDays)} of history`;
  if (bound.isMet) return `${limit}: reached${keeps}; the oldest messages go as new ones come.`;
  if (bound.met === null) return `${limit}: never reached at this rate.`;
  const soon = bound.met - at < 86400e3;
  return `${limit}: reached ${soon ? `at ${moment(bound.met, at)}` : `on ${date(bound.met)}`} at this rate${keeps}.`;
}

const days = (number) => (number < 10 ? `${number.toFixed(1)} days` : counted(Math.round(number), "day"));
