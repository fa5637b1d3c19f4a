// The page of a node under traffic, with loss between it and another one.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";

import { holds, launch, live, open, tooWide } from "../support/browser.js";
import { demo } from "../support/programs.js";
import { proxy } from "../support/proxy.js";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SECTIONS = ["health", "messages", "sync", "peers", "archive", "limits"];

const busy = () =>
  document.querySelectorAll(".sessions tbody tr").length > 1
  && document.querySelectorAll("#frames .strip rect").length > 2
  && document.querySelectorAll(".peers tbody tr").length > 0
  && document.querySelectorAll(".heat-cell").length > 0
  && document.querySelector(".meter") !== null;

describe("the page of a node under traffic", () => {
  let nodes;
  let browser;

  before(async () => {
    [nodes, browser] = await Promise.all([demo(), launch()]);
  });

  after(async () => {
    await browser?.close();
    await nodes?.stop();
  });

  /** Runs `look` at a page that shows everything, and sees to it that the page had no faults. */
  async function look(options, act) {
    const { page, faults } = await open(browser, nodes.pages[0], options);
    try {
      await live(page);
      await holds(page, busy);
      await act(page, faults);
      assert.deepEqual(faults.filter((fault) => !faults.expected?.test(fault)), []);
    } finally {
      await page.close();
    }
  }

  it("has every view, with figures in it", () =>
    look({}, async (page) => {
      for (const section of SECTIONS) {
        const text = await page.$eval(`#${section}`, (element) => element.innerText);
        assert.ok(text.length > 40, `${section}: ${text}`);
      }
      const text = await page.$eval("body", (body) => body.innerText);
      for (const wanted of [/Ready/, /Shard 7/, /\d (kB|MB) of 1\.1 GB/, /fingerprint/, /own sync/, /Store queries/, /a day/]) {
        assert.match(text, wanted);
      }
      assert.doesNotMatch(text, /NaN|undefined|null|Infinity|Invalid Date/);
      assert.match(await page.title(), /^Ready/);
    }));

  it("sums up in the heat map what is in its cells", () =>
    look({}, async (page) => {
      const [said, cells] = await page.evaluate(() => [
        document.querySelector("#heat .figure-line strong").textContent,
        [...document.querySelectorAll(".heat-cell")].map((cell) => cell.title),
      ]);
      assert.equal(cells.length, 8 * 24);
      const sum = cells.reduce((total, title) => total + Number(/: ([\d,]+) messages?,/.exec(title)[1].replaceAll(",", "")), 0);
      assert.equal(said, `${sum.toLocaleString("en")} messages`);
    }));

  it("shows sessions as they happen, without being loaded again", () =>
    look({}, async (page) => {
      const newest = () => Number(document.querySelector(".sessions tbody tr")?.dataset.key ?? 0);
      const before = await page.evaluate(newest);
      const loads = await page.evaluate(() => performance.getEntriesByName(`${location.origin}/page/state`).length);
      await holds(page, (last) => Number(document.querySelector(".sessions tbody tr").dataset.key) > last + 1, before);
      const rows = await page.$$eval(".sessions tbody tr", (all) => all.map((row) => row.innerText));
      assert.ok(rows.some((row) => /Equal|Filled/.test(row)), rows.join("\n"));
      const after = await page.evaluate(() => performance.getEntriesByName(`${location.origin}/page/state`).length);
      assert.equal(after, loads, "events told it, not another load");
      const messages = () => Number(document.querySelector(".fact:nth-child(2) .fact-value").textContent.replaceAll(",", ""));
      const held = await page.evaluate(messages);
      await holds(page, (last) => Number(document.querySelector(".fact:nth-child(2) .fact-value").textContent.replaceAll(",", "")) > last, held);
    }));

  it("draws the rounds of a session over the whole time compared, down to lists of ids", () =>
    look({}, async (page) => {
      const strips = await page.$$eval("#frames .strip", (all) => all.map((strip) =>
        [...strip.querySelectorAll("rect")].map((rect) => ({
          said: rect.getAttribute("class"), x: Number(rect.getAttribute("x")), width: Number(rect.getAttribute("width")),
        }))));
      assert.ok(strips.length > 1);
      for (const rects of strips) {
        const sorted = rects.toSorted((a, b) => a.x - b.x);
        assert.ok(sorted[0].x < 5, "it begins at the left");
        assert.ok(sorted.at(-1).x + sorted.at(-1).width > 990, "and ends at the right");
        let reached = 0;
        for (const rect of sorted) {
          assert.ok(rect.x <= reached + 5, `a gap at ${reached}: ${JSON.stringify(sorted)}`);
          reached = Math.max(reached, rect.x + rect.width);
        }
      }
      assert.ok(strips.flat().some((rect) => rect.said === "said-ids"), "in the end ids are listed");
      const words = await page.$$eval("#frames .says", (all) => all.map((one) => one.textContent));
      assert.ok(words.some((text) => /fingerprint/.test(text)) && words.some((text) => /list/.test(text)), words.join("\n"));
    }));

  it("draws the session that is picked, and goes on following when told to", () =>
    look({}, async (page) => {
      await page.click(".sessions tbody tr:nth-child(2) button");
      const picked = await page.$eval(".sessions tr[data-chosen]", (row) => row.dataset.key);
      await holds(page, (id) => document.querySelector("#rounds-title").textContent.startsWith(`Session #${id} `), picked);
      assert.equal(await page.$eval("#follow", (box) => box.checked), false);
      await page.click("#follow");
      await holds(page, (id) => !document.querySelector("#rounds-title").textContent.startsWith(`Session #${id} `), picked);
    }));

  it("leaves no frames of one session under the title of another", async () => {
    const between = await proxy(nodes.pages[0]);
    const { page } = await open(browser, between.page);
    try {
      await live(page);
      await holds(page, busy);
      between.rule("/page/sessions/", { status: 500 });
      await page.click(".sessions tbody tr:not([data-chosen]) button");
      const picked = await page.$eval(".sessions tr[data-chosen]", (row) => row.dataset.key);
      await holds(page, (id) => document.querySelector("#rounds-title").textContent.startsWith(`Session #${id} `)
        && document.querySelector("#frames").children.length === 0, picked);
    } finally {
      await page.close();
      await between.stop();
    }
  });

  it("is worked by keyboard in the order in which it is read", () =>
    look({}, async (page) => {
      const seen = [];
      for (let steps = 0; steps < 80; steps += 1) {
        await page.keyboard.press("Tab");
        const at = await page.evaluate(() => {
          const element = document.activeElement;
          if (element === document.body) return null;
          const style = getComputedStyle(element);
          const box = element.getBoundingClientRect();
          return {
            name: element.id || element.textContent.trim().slice(0, 20) || element.getAttribute("aria-label"),
            section: element.closest("section")?.id || element.closest("header, footer")?.localName || "first",
            outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
            visible: box.width > 0 && box.height > 0,
          };
        });
        if (at === null) break;
        seen.push(at);
      }
      assert.equal(seen[0].name, "Skip to content");
      for (const at of seen) assert.ok(at.outlined && at.visible, `focus isn't seen: ${JSON.stringify(at)}`);
      const order = seen.map((at) => ["first", "header", ...SECTIONS].indexOf(at.section));
      assert.deepEqual(order, order.toSorted((a, b) => a - b), JSON.stringify(seen));
      for (const wanted of ["Light", "Health", "follow", "zooms"]) {
        assert.ok(seen.some((at) => at.name === wanted), `${wanted} isn't reached: ${JSON.stringify(seen)}`);
      }
    }));

  it("keeps focus on what is focused while figures change", () =>
    look({}, async (page) => {
      await page.focus(".sessions tbody tr:first-of-type button");
      const focused = await page.evaluate(() => document.activeElement.dataset.session);
      await holds(page, (id) => Number(document.querySelector(".sessions tbody tr").dataset.key) > id, Number(focused));
      assert.equal(await page.evaluate(() => document.activeElement.dataset.session), focused);
    }));

  it("remembers the colours that were chosen", () =>
    look({ theme: "light" }, async (page, faults) => {
      const ground = () => getComputedStyle(document.body).backgroundColor;
      const light = await page.evaluate(ground);
      await page.click('[data-theme-choice="dark"]');
      const dark = await page.evaluate(ground);
      assert.notEqual(dark, light);
      // The reload ends the events of the page that was there.
      faults.expected = /ERR_ABORTED/;
      await page.reload({ waitUntil: "domcontentloaded" });
      await holds(page, (colour) => getComputedStyle(document.body).backgroundColor === colour, dark);
      await page.click('[data-theme-choice="auto"]');
      assert.equal(await page.evaluate(ground), light);
      await page.waitForSelector('body[data-feed="live"]');
    }));

  for (const theme of ["light", "dark"]) {
    for (const width of [360, 768, 1440]) {
      it(`is free of what axe finds, and of sideways scrolling, in ${theme} at ${width} px`, () =>
        look({ width, theme }, async (page) => {
          assert.equal(await tooWide(page), 0);
          const cut = await page.evaluate(() => {
            const within = (element) => element.closest(".scroll, .views, .visually-hidden, thead, svg") === null;
            return [...document.querySelectorAll("main *")].filter((element) =>
              within(element) && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0
              && getComputedStyle(element).display !== "inline").map((element) => element.outerHTML.slice(0, 120));
          });
          assert.deepEqual(cut, [], "text that is cut off");
          await page.evaluate(AXE);
          const found = await page.evaluate(async () => {
            const result = await globalThis.axe.run(document, { resultTypes: ["violations"] });
            return result.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`).join(" | ")}`);
          });
          assert.deepEqual(found, []);
        }));
    }
  }
});
