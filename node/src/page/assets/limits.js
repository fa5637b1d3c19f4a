// What is limited, and whether a limit is being reached now.

import { byId, make, replace, table } from "./dom.js";
import { bytes, count, counted, rate } from "./units.js";

const NAMES = {
  streams: "Streams opened",
  store: "Store queries",
  sync: "Sync sessions",
  transfer: "Pushed messages",
  metadata: "Metadata",
  rest: "REST calls",
};

const REASONS = {
  peer_requests: "too many of one peer",
  peer_bytes: "too many bytes of one peer",
  all_requests: "too many of all together",
  all_bytes: "too many bytes of all together",
  no_place: "no place left",
};

const COLUMNS = [
  { title: "Service" },
  { title: "Now", bare: true },
  { title: "Served", number: true },
  { title: "Refused", number: true },
  { title: "Slowed down", number: true },
  { title: "Received", number: true },
  { title: "Sent", number: true },
  { title: "Allowed", number: true },
];

/** How far back "now" goes, in milliseconds. */
const NOW = 60e3;

let samples = [];

/** Shows it, as of the time `at`. */
export function show(limits, at) {
  const totals = Object.fromEntries(limits.services.map((service) => [service.name, hits(service)]));
  // After a restart of the node totals begin anew.
  if (samples.some((sample) => Object.keys(totals).some((name) => sample.totals[name] > totals[name]))) samples = [];
  samples = [...samples.filter((sample) => sample.at > at - NOW), { at, totals }];
  const rows = limits.services.map((service) => row(service));
  replace(byId("limit-list"),
    table("Services: what was asked for, refused and slowed down since the start", COLUMNS, rows, { class: "limits" }),
    make("p", { class: "note" }, `${counted(limits.connections, "connection")} now; others may make ${count(limits.mostInbound)} at most. `
      + (limits.bandwidth === null ? "History may take the whole line." : `History may take ${bytes(limits.bandwidth)} a second in each direction.`)));
}

const refused = (service) => service.refused.reduce((sum, one) => sum + one.count, 0);
const hits = (service) => refused(service) + service.paced;

function row(service) {
  const since = hits(service) - (samples[0]?.totals[service.name] ?? 0);
  const now = since > 0
    ? make("span", { class: "chip", "data-kind": "warn" }, `Reached ${since === 1 ? "once" : `${count(since)} times`} in the last minute`)
    : make("span", { class: "chip", "data-kind": "good" }, "Within");
  const why = service.refused.map((one) => make("span", { class: "note" }, `${count(one.count)} ${REASONS[one.reason] ?? one.reason}`));
  return {
    key: service.name,
    attributes: { "data-hit": since > 0 ? "true" : null },
    cells: [NAMES[service.name] ?? service.name, now, count(service.served), [count(refused(service)), ...why],
      count(service.paced), bytes(service.received), bytes(service.sent),
      service.allowed === null ? "unlimited" : `${rate(service.allowed)}/s`],
  };
}
