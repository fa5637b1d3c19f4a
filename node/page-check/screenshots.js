// Takes pictures of each view of the page: light and dark, busy, empty, with a peer down, narrow and wide.
// `screenshots.js DIRECTORY` writes them there; those that the README shows are committed.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { holds, launch, live, open } from "./support/browser.js";
import { DOWN, demo, node } from "./support/programs.js";

const SECTIONS = ["health", "messages", "sync", "peers", "archive", "limits"];
const THEMES = ["light", "dark"];

const directory = process.argv[2];
if (!directory) throw new Error("screenshots.js DIRECTORY");

async function picture(page, name, section) {
  // Pictures of what is scrolled to have the bar across it, if it stays where it is.
  await page.evaluate(() => document.querySelector(".bar").style.setProperty("position", "static"));
  const target = section ? await page.$(`#${section}`) : page;
  const options = section ? {} : { fullPage: true };
  await target.screenshot({ path: join(directory, `${name}.png`), type: "png", ...options });
}

/** The whole page, and each section by itself where it is asked for. */
async function shoot(browser, address, name, ready, { widths = [1280], sections = false, before } = {}) {
  for (const theme of THEMES) {
    for (const width of widths) {
      const { page } = await open(browser, address, { theme, width });
      await live(page);
      await before?.();
      await holds(page, ready);
      const suffix = width === 1280 ? theme : `${width}-${theme}`;
      await picture(page, `${name}-${suffix}`);
      if (sections) {
        for (const section of SECTIONS) await picture(page, `${section}-${suffix}`, section);
      }
      await page.close();
    }
  }
}

await mkdir(directory, { recursive: true });
const browser = await launch();
try {
  const nodes = await demo({ messages: 20_000, interval: "4s" });
  const busy = () => document.querySelectorAll(".sessions tbody tr").length > 3
    && document.querySelectorAll("#frames .said-ids").length > 0
    && document.querySelectorAll(".heat-cell").length > 0 && document.querySelector(".meter") !== null
    && document.querySelectorAll(".tag").length > 3;
  await shoot(browser, nodes.pages[0], "busy", busy, { widths: [1280, 360], sections: true });
  await nodes.stop();
  const empty = await node();
  await shoot(browser, empty.page, "empty", () => document.querySelectorAll(".empty").length >= 4, { widths: [1280, 360] });
  await empty.stop();
  const limited = await node("--rate-limit=rest:60/10s");
  await shoot(browser, limited.page, "limited", () => document.querySelector("#limits tr[data-hit]") !== null, {
    before: () => Promise.all(Array.from({ length: 100 }, () => fetch(`${limited.page}info`))),
  });
  await limited.stop();
  const alone = await node(`--staticnode=${DOWN}`);
  await shoot(browser, alone.page, "peer-down", () => /failed attempt/.test(document.querySelector(".peers")?.innerText ?? ""));
  const { page } = await open(browser, alone.page, { theme: "light" });
  await live(page);
  const back = await alone.pause();
  await page.waitForSelector('body[data-feed="lost"]');
  await picture(page, "lost-light");
  await back();
  await alone.stop();
} finally {
  await browser.close();
}
