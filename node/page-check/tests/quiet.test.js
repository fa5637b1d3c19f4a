// The page of a node that has nothing, that has a peer which is down, or that goes away.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";

import { holds, launch, live, open, tooWide } from "../support/browser.js";
import { DOWN, node } from "../support/programs.js";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

async function axe(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => (await globalThis.axe.run()).violations.map((one) => `${one.id}: ${one.help}: ${one.nodes[0].html}`));
  assert.deepEqual(found, []);
}

describe("the page of a node with nothing to show", () => {
  let browser;

  before(async () => {
    browser = await launch();
  });

  after(() => browser?.close());

  it("says what to do where there is nothing", async () => {
    const empty = await node();
    try {
      const { page, faults } = await open(browser, empty.page);
      await live(page);
      await holds(page, () => document.querySelectorAll(".empty").length >= 4);
      await holds(page, () => document.querySelector("#heat .empty") !== null);
      const text = await page.$eval("main", (main) => main.innerText);
      for (const wanted of [/No messages in the last 24 hours/, /wakustore import/, /No session yet/, /--staticnode/, /The archive is empty/]) {
        assert.match(text, wanted);
      }
      await axe(page);
      await page.setViewport({ width: 360, height: 800 });
      assert.equal(await tooWide(page), 0);
      assert.deepEqual(faults, []);
      await page.close();
    } finally {
      await empty.stop();
    }
  });

  it("names a peer that is down", async () => {
    const alone = await node(`--staticnode=${DOWN}`);
    try {
      const { page, faults } = await open(browser, alone.page);
      await live(page);
      await holds(page, () => /Can’t be reached/.test(document.querySelector(".peers")?.innerText ?? ""));
      const text = await page.$eval(".peers", (peers) => peers.innerText);
      assert.match(text, /failed attempt/);
      await page.setViewport({ width: 360, height: 800 });
      assert.equal(await tooWide(page), 0);
      assert.doesNotMatch(text, /127\.0\.0\.1/, "addresses are for --rest-admin");
      await axe(page);
      assert.deepEqual(faults, []);
      await page.close();
    } finally {
      await alone.stop();
    }
  });

  it("shows a limit that is reached", async () => {
    const limited = await node("--rate-limit=rest:40/10s");
    try {
      const { page } = await open(browser, limited.page, { width: 360 });
      await live(page);
      assert.doesNotMatch(await page.$eval("#limits", (limits) => limits.innerText), /Reached/);
      const statuses = await Promise.all(Array.from({ length: 60 }, async () => (await fetch(`${limited.page}info`)).status));
      assert.ok(statuses.includes(429), statuses.join(" "));
      await holds(page, () => /Reached (\d+ times|once) in the last minute/.test(document.querySelector("#limits tr[data-hit]")?.innerText ?? ""));
      const row = await page.$eval("#limits tr[data-hit]", (hit) => hit.innerText);
      assert.match(row, /REST calls/);
      assert.match(row, /too many of all together/);
      assert.equal(await tooWide(page), 0);
      await axe(page);
      await page.close();
    } finally {
      await limited.stop();
    }
  });

  it("says when the connection is lost, and of when its figures are, and goes on when it is back", async () => {
    const away = await node();
    try {
      const { page } = await open(browser, away.page);
      await live(page);
      const back = await away.pause();
      await page.waitForSelector('body[data-feed="lost"]');
      assert.match(await page.$eval("#lost", (lost) => lost.innerText), /^Connection lost, figures of \d\d:\d\d\./);
      assert.match(await page.$eval("#announce", (said) => said.textContent), /Connection lost/);
      await axe(page);
      await back();
      await live(page);
      assert.equal(await page.$eval("#lost", (lost) => lost.hidden), true);
      assert.match(await page.$eval("#announce", (said) => said.textContent), /Connected again/);
      await page.close();
    } finally {
      await away.stop();
    }
  });
});
