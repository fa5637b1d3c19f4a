// Figures as people read them: each with its unit.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const one = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** 12,345 */
export const count = (number) => whole.format(number);

/** 0.1, 12: so many in a second, say */
export const rate = (number) => (number < 10 ? one : whole).format(number);

/** 12.3K: where there is little room. */
export const short = (number) => compact.format(number);

/** 12 messages, 1 message */
export const counted = (number, noun, nouns = `${noun}s`) => `${count(number)} ${number === 1 ? noun : nouns}`;

/** 1.5 MB: units of a thousand, as the program has them. */
export function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (number >= 999.95 && unit < units.length - 1) {
    number /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? whole.format(number) : one.format(number)} ${units[unit]}`;
}

/** 12 ms, 3.4 s, 5 min, 2 h, 3 days */
export function seconds(number) {
  if (number < 0.0995) return `${one.format(number * 1e3)} ms`;
  if (number < 0.9995) return `${whole.format(number * 1e3)} ms`;
  if (number < 99.5) return `${one.format(number)} s`;
  if (number < 5400) return `${whole.format(number / 60)} min`;
  if (number < 172800) return `${one.format(number / 3600)} h`;
  return `${whole.format(number / 86400)} days`;
}

/** 0.04 %, 12 % */
export function percent(part) {
  const number = part * 100;
  if (number > 0 && number < 0.01) return "below 0.01 %";
  return `${new Intl.NumberFormat("en", { maximumSignificantDigits: 2 }).format(number)} %`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const precise = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** 14:05, of milliseconds since 1970 */
export const minute = (at) => clock.format(at);

/** 14:05:09 */
export const second = (at) => precise.format(at);

/** 26 Nov 2026 */
export const date = (at) => full.format(at);

/** 14:05 today, 26 Nov 14:05 on another day */
export function moment(at, now = Date.now()) {
  return day.format(at) === day.format(now) ? clock.format(at) : `${day.format(at)} ${clock.format(at)}`;
}

/** 14:05:09.123: as precisely as a span of so many milliseconds wants it. */
export function instant(at, span) {
  if (span > 3 * 86400e3) return day.format(at);
  if (span > 20 * 60e3) return clock.format(at);
  if (span > 20e3) return precise.format(at);
  return `${precise.format(at)}.${String(Math.floor(at % 1000)).padStart(3, "0")}`;
}

/** 3 min ago; just now */
export function ago(at, now = Date.now()) {
  const passed = Math.max(0, (now - at) / 1000);
  return passed < 2 ? "just now" : `${seconds(Math.floor(passed))} ago`;
}

/** A peer id by its end, where those of one kind differ. */
export const peer = (id) => (id.length > 12 ? `…${id.slice(-8)}` : id);

/** The shard of a pubsub topic of static sharding, or the topic itself. */
export function shard(topic) {
  const found = /^\/waku\/2\/rs\/(\d+)\/(\d+)$/.exec(topic ?? "");
  return found ? Number(found[2]) : topic ?? "other";
}
