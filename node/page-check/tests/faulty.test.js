// The page where the node's answers fail, stall, or have texts of others in them.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";

import { holds, launch, live, open } from "../support/browser.js";
import { node } from "../support/programs.js";
import { proxy } from "../support/proxy.js";
import { until } from "../support/wait.js";

const HOUR = 3600e9;

/** Counts of one hour, of these content topics. */
function counts(contentTopics) {
  const start = Math.floor((Date.now() * 1e6) / HOUR) * HOUR;
  const messages = contentTopics.reduce((sum, one) => sum + one.messages, 0);
  const total = { messages, bytes: messages * 100 };
  const shards = [{ pubsubTopic: "/waku/2/rs/99/0", ...total }];
  return { at: start, ageSeconds: 0, bucketSeconds: 3600, since: start - 23 * HOUR, until: start + HOUR, total,
    buckets: [{ start, ...total, shards, contentTopics }], truncated: false };
}

const topic = (contentTopic, messages) => ({ contentTopic, messages, bytes: messages * 100 });

describe("the page of a node that answers badly", () => {
  let browser;
  let quiet;
  let between;

  before(async () => {
    [browser, quiet] = await Promise.all([launch(), node()]);
  });

  after(async () => {
    await browser?.close();
    await quiet?.stop();
  });

  beforeEach(async () => {
    between = await proxy(quiet.page);
  });

  afterEach(() => between.stop());

  it("goes on by itself after first figures that were refused", async () => {
    const end = between.rule("/page/state", { status: 429 });
    const { page } = await open(browser, between.page);
    await page.waitForSelector('body[data-feed="limited"]');
    end();
    await live(page);
    await holds(page, () => document.querySelector("#heat .empty") !== null);
    await page.close();
  });

  it("isn’t live before it has figures, and asks for them again when they fail once events are there", async () => {
    let end = () => {};
    let asked = 0;
    between.rule("/page/state", {
      change(state) {
        asked += 1;
        // The next call is that after the events have opened.
        if (asked === 1) end = between.rule("/page/state", { status: 500 });
        return state;
      },
    });
    const { page } = await open(browser, between.page);
    await page.waitForSelector('body[data-feed="lost"]');
    end();
    await live(page);
    await page.close();
  });

  it("shows messages by hour although they failed at first", async () => {
    const end = between.rule("/store/v1/counts", { status: 500 });
    const { page } = await open(browser, between.page);
    await live(page);
    await until(() => between.seen.some((url) => url.startsWith("/store/v1/counts")), "a call for counts");
    end();
    await page.waitForFunction(() => /No messages in the last 24 hours/.test(document.querySelector("#heat")?.innerText ?? ""), { timeout: 40_000 });
    await page.close();
  });

  it("notes that events stay away, and begins anew", async () => {
    const end = between.rule("/page/events", { silent: true });
    const { page } = await open(browser, between.page);
    await live(page);
    end();
    await page.waitForSelector('body[data-feed="lost"]', { timeout: 20_000 });
    await live(page);
    await page.close();
  });

  it("says that too many pages are open, and asks for figures all the same", async () => {
    const end = between.rule("/page/events", { status: 503 });
    const { page } = await open(browser, between.page);
    await page.waitForSelector('body[data-feed="crowded"]');
    assert.match(await page.$eval("#lost", (said) => said.innerText), /^Too many pages/);
    await holds(page, () => document.querySelector("#heat .empty") !== null);
    const states = () => between.seen.filter((url) => url === "/page/state").length;
    const before = states();
    await until(() => states() > before + 2, "figures asked for again");
    end();
    await live(page);
    await page.close();
  });

  it("counts in words how often a limit was reached", async () => {
    let hits = 0;
    between.rule("/page/events", { silent: true });
    between.rule("/page/state", {
      change(state) {
        const paced = hits;
        hits = 21;
        for (const service of state.limits.services) service.paced = service.name === "store" ? paced : 0;
        return state;
      },
    });
    const { page } = await open(browser, between.page);
    await holds(page, () => document.querySelector("#limits tr[data-hit]") !== null);
    assert.match(await page.$eval("#limits tr[data-hit]", (row) => row.innerText), /Reached 21 times in the last minute/);
    await page.close();
  });

  it("names hours as they begin where the clock is half an hour off", async () => {
    between.rule("/store/v1/counts", { change: () => counts([topic("/t", 1)]) });
    const { page } = await open(browser, between.page);
    await page.emulateTimezone("Asia/Kolkata");
    await page.reload({ waitUntil: "domcontentloaded" });
    await page.waitForSelector(".heat-hour");
    const hours = await page.$$eval(".heat-hour", (all) => all.map((hour) => hour.textContent));
    assert.equal(hours.length, 24);
    for (const hour of hours) assert.match(hour, /^\d\d:30$/);
    const cut = await page.$$eval(".heat th", (all) => all.filter((head) => head.scrollWidth > head.clientWidth + 1).length);
    assert.equal(cut, 0);
    await page.close();
  });

  it("shows texts of others as texts", async () => {
    const markup = "<img src=x onerror=\"document.title='taken over'\">";
    between.rule("/page/events", { silent: true });
    between.rule("/page/state", {
      change(state) {
        const peer = { peerId: "16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ", connected: "Connected", agent: `\u202e${markup}`, speaks: ["store"],
          clusterId: 99, shards: [0], isStatic: false, isInbound: true, since: state.at, roundTrip: null, failedDials: 0, failedAt: null,
          failure: null, address: null, behind: null, ahead: null, compared: null };
        state.peers = { connected: 1, known: 1, relaying: null, listed: [peer] };
        return state;
      },
    });
    between.rule("/store/v1/counts", { change: () => counts([topic(markup, 3), topic("others", 2), { other: true, messages: 1, bytes: 100 }]) });
    const { page } = await open(browser, between.page);
    await live(page);
    await page.waitForSelector(".topics tbody tr");
    assert.ok((await page.$eval(".peers", (peers) => peers.textContent)).includes(markup));
    const topics = await page.$$eval(".topics tbody tr", (rows) => rows.map((row) => row.querySelector("th").textContent));
    assert.deepEqual(topics.length, 3, "a topic called “others” is one of its own");
    assert.equal(topics[0], markup);
    assert.equal(await page.$("main img"), null);
    assert.doesNotMatch(await page.title(), /taken over/);
    assert.equal(await page.$eval(".peers .note", (agent) => getComputedStyle(agent).unicodeBidi), "isolate");
    await page.close();
  });
});
