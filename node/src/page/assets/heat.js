// Messages by hour and shard, as a heat map that is a table.

import { byId, code, empty, make, replace } from "./dom.js";
import { get } from "./feed.js";
import { bytes, count, counted, minute, moment, seconds, shard, short } from "./units.js";

const HOURS = 24;
const HOUR = 3600e3;
const LEVELS = 5;

/** How often they are asked for. */
const EVERY = 15e3;

const PATH = "/store/v1/counts?bucket=1h&since=-24h";

let last = null;
let wanted = false;
let loading = false;

/** Shows them again and again, from the first time on that `load` is called. */
export function start() {
  const again = () => {
    if (!document.hidden && wanted) load();
  };
  setInterval(again, EVERY);
  document.addEventListener("visibilitychange", again);
}

/** Asks for them. */
export async function load() {
  wanted = true;
  if (loading) return;
  loading = true;
  try {
    last = { counts: await get(PATH), at: Date.now() };
    show(last.counts, null);
  } catch (error) {
    if (last) show(last.counts, last.at);
    else if (error.status) {
      replace(byId("heat"), empty("Messages by hour aren’t there.", error.message));
    }
  } finally {
    loading = false;
  }
}

function show(counts, lost) {
  const place = byId("heat");
  const first = place.querySelector("[data-scroll]") === null;
  const hours = hoursUpTo(counts.until / 1e6 - 1);
  const rows = byShard(counts, hours);
  if (rows.length === 0) {
    replace(place, empty("No messages in the last 24 hours.",
      ["They come by relay, by sync with peers, or from a file: ", code("wakustore import FILE"), "."]));
    return;
  }
  const most = Math.max(1, ...rows.flatMap((row) => row.cells.map((cell) => cell.messages)));
  replace(place, summary(counts, rows, lost), map(hours, rows, most), legend(most), topics(counts, hours));
  // The newest hours are what is looked at first.
  const scroll = place.querySelector("[data-scroll]");
  if (first && scroll) scroll.scrollLeft = scroll.scrollWidth;
}

function hoursUpTo(now) {
  const newest = Math.floor(now / HOUR) * HOUR;
  return Array.from({ length: HOURS }, (_, place) => newest - (HOURS - 1 - place) * HOUR);
}

function byShard(counts, hours) {
  const rows = new Map();
  for (const bucket of counts.buckets) {
    const place = hours.indexOf(Math.floor(bucket.start / 1e6 / HOUR) * HOUR);
    if (place < 0) continue;
    // Of very many shards some are counted without their names.
    const rest = { pubsubTopic: null, messages: bucket.messages, bytes: bucket.bytes };
    for (const part of bucket.shards) {
      rest.messages -= part.messages;
      rest.bytes -= part.bytes;
    }
    for (const part of rest.messages > 0 ? [...bucket.shards, rest] : bucket.shards) {
      const topic = part.pubsubTopic;
      if (!rows.has(topic)) rows.set(topic, hours.map(() => ({ messages: 0, bytes: 0 })));
      rows.get(topic)[place].messages += part.messages;
      rows.get(topic)[place].bytes += part.bytes;
    }
  }
  const order = (a, b) => (a.topic === null) - (b.topic === null) || (typeof a.name === "number" && typeof b.name === "number"
    ? a.name - b.name : String(a.name).localeCompare(String(b.name)));
  return [...rows].map(([topic, cells]) => ({ topic, name: topic === null ? "others" : shard(topic), cells })).sort(order);
}

function summary(counts, rows, lost) {
  const cells = rows.flatMap((row) => row.cells);
  const sum = (of) => cells.reduce((total, cell) => total + cell[of], 0);
  const total = { messages: sum("messages"), bytes: sum("bytes") };
  const age = lost !== null ? `; figures of ${minute(lost)}, since newer ones can’t be had`
    : counts.ageSeconds > 30 ? `; counted ${seconds(counts.ageSeconds)} ago` : "";
  return make("p", { class: "figure-line" }, make("strong", {}, counted(total.messages, "message")),
    ` of ${bytes(total.bytes)}${age}.`);
}

function map(hours, rows, most) {
  const heads = hours.map((hour) => make("th", { scope: "col" },
    make("span", { class: "heat-hour", title: moment(hour) }, hourName(hour))));
  const body = rows.map((row) => {
    const total = row.cells.reduce((sum, cell) => sum + cell.messages, 0);
    const cells = row.cells.map((cell, place) => heatCell(row, cell, hours[place], most));
    const name = typeof row.name === "number" ? `Shard ${row.name}` : row.name;
    return make("tr", {}, make("th", { scope: "row", title: row.topic ?? row.name }, name), cells,
      make("td", { class: "heat-total" }, short(total)));
  });
  const sums = hours.map((_, place) => rows.reduce((sum, row) => sum + row.cells[place].messages, 0));
  const foot = make("tr", {}, make("th", { scope: "row" }, "All"),
    sums.map((sum) => make("td", { class: "heat-total" }, sum ? short(sum) : "")),
    make("td", { class: "heat-total" }, short(sums.reduce((sum, one) => sum + one, 0))));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Messages by hour and shard, scrolls sideways", "data-scroll": "heat" },
    make("table", { class: "heat" },
      make("caption", {}, "Messages by the hour in which they were sent (local time) and by shard"),
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Hour"), heads, make("th", { scope: "col" }, "All"))),
      make("tbody", {}, body), make("tfoot", {}, foot)));
}

/** 05, or 05:30 where hours begin so. */
const hourName = (hour) => minute(hour).replace(/:00$/, "");

/** 0 for nothing, else 1 to LEVELS. */
const level = (messages, most) => (messages === 0 ? 0 : Math.max(1, Math.ceil((messages / most) * LEVELS)));

function heatCell(row, cell, hour, most) {
  const name = typeof row.name === "number" ? `Shard ${row.name}` : row.name;
  const words = `${name}, ${moment(hour)} to ${minute(hour + HOUR)}: ${counted(cell.messages, "message")}, ${bytes(cell.bytes)}`;
  return make("td", { class: `heat-cell level-${level(cell.messages, most)}`, title: words }, cell.messages ? short(cell.messages) : "·");
}

function legend(most) {
  const steps = Array.from({ length: LEVELS }, (_, place) => {
    const from = Math.floor((most * place) / LEVELS) + 1;
    const to = Math.floor((most * (place + 1)) / LEVELS);
    return to < from ? null : make("li", {}, make("span", { class: `swatch level-${place + 1}`, "aria-hidden": "true" }),
      from === to ? count(to) : `${count(from)}–${count(to)}`);
  });
  return make("ul", { class: "legend", "aria-label": "Messages in an hour and shard" },
    make("li", {}, make("span", { class: "swatch level-0", "aria-hidden": "true" }), "none"), steps);
}

function topics(counts, hours) {
  const totals = new Map();
  for (const bucket of counts.buckets.filter((one) => one.start / 1e6 >= hours[0])) {
    for (const part of bucket.contentTopics ?? []) {
      // Those that are counted together have no name.
      const name = part.contentTopic ?? null;
      const sum = totals.get(name) ?? { messages: 0, bytes: 0 };
      sum.messages += part.messages;
      sum.bytes += part.bytes;
      totals.set(name, sum);
    }
  }
  if (totals.size === 0) return null;
  const all = [...totals].sort((a, b) => (a[0] === null) - (b[0] === null) || b[1].messages - a[1].messages).slice(0, 8);
  const most = Math.max(...all.map(([, sum]) => sum.messages));
  const rows = all.map(([name, sum]) => make("tr", {},
    make("th", { scope: "row", class: "topic" }, name === null ? "others" : broken(name)),
    make("td", { class: "bar-cell", "aria-hidden": "true" }, bar(sum.messages / most)),
    make("td", { class: "number" }, count(sum.messages)),
    make("td", { class: "number" }, bytes(sum.bytes))));
  return make("div", { class: "panel" }, make("table", { class: "topics" }, make("caption", {}, "Content topics with most messages in these hours"),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Content topic"), make("td", {}),
      make("th", { scope: "col", class: "number" }, "Messages"), make("th", { scope: "col", class: "number" }, "Bytes"))),
    make("tbody", {}, rows)));
}

/** A topic that may be broken at its slashes. */
const broken = (topic) => topic.split(/(?<=.)(?=\/)/).flatMap((part, place) => (place ? [make("wbr"), part] : [part]));

function bar(part) {
  return make("progress", { class: "bar-of", max: "1", value: part.toFixed(3), tabindex: "-1" });
}
