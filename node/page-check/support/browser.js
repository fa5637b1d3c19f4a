// Headless Chromium, from the system's packages.

import { existsSync } from "node:fs";

import puppeteer from "puppeteer-core";

const PLACES = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** A browser of its own; whoever asks for it closes it. */
export async function launch() {
  const executablePath = PLACES.find((place) => place && existsSync(place));
  if (!executablePath) throw new Error("no Chromium: apt-get install chromium, or name it in CHROMIUM");
  return puppeteer.launch({
    executablePath,
    // What is looked at is a page of our own, and CI runs as root, for which there is no sandbox.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none", "--lang=en"],
    protocolTimeout: 60_000,
  });
}

/**
 * A tab at `address`, `width` wide, in a theme. `faults` collects what the console and the network complain of.
 */
export async function open(browser, address, { width = 1280, height = 900, theme = "light", motion = "reduce" } = {}) {
  const page = await browser.newPage();
  const faults = [];
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) faults.push(`console: ${message.text()} ${message.location().url ?? ""}`);
  });
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("requestfailed", (request) => faults.push(`request: ${request.url()} ${request.failure()?.errorText}`));
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`answer: ${response.url()} ${response.status()}`);
  });
  await page.setViewport({ width, height, deviceScaleFactor: 1 });
  await page.emulateTimezone("UTC");
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: theme },
    { name: "prefers-reduced-motion", value: motion },
  ]);
  await page.goto(address, { waitUntil: "domcontentloaded" });
  return { page, faults };
}

/** Waits until the page is live. */
export async function live(page) {
  await page.waitForSelector('body[data-feed="live"]', { timeout: 60_000 });
}

/** How many pixels the page is too wide for its window. */
export async function tooWide(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Waits until what is asked of the page holds there. */
export async function holds(page, condition, ...args) {
  await page.waitForFunction(condition, { timeout: 60_000, polling: 100 }, ...args);
}
