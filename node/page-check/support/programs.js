// Runs wakustore, and finds the addresses of its pages.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { until } from "./wait.js";

const PROGRAM = process.env.WAKUSTORE;
if (!PROGRAM) throw new Error("WAKUSTORE names no program: run node/page-check/run");

/** A peer that is down: nobody listens at port 1. */
export const DOWN = "/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ";

/** A process whose output is kept. */
class Running {
  constructor(args) {
    this.output = "";
    this.process = spawn(PROGRAM, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.ended = new Promise((resolve) => this.process.once("exit", resolve));
    // Whatever ends this program ends what it started.
    process.once("exit", () => this.process.kill("SIGKILL"));
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding("utf8");
      // The last of it is enough to find addresses in and to tell what went wrong.
      stream.on("data", (text) => (this.output = (this.output + text).slice(-200_000)));
    }
  }

  /** Waits until `pattern` is in the output, and gives what it found. */
  async said(pattern, what) {
    const plain = () => this.output.replace(/\x1b\[[0-9;]*m/g, "");
    return until(() => {
      if (this.process.exitCode !== null) throw new Error(`the program has ended:\n${this.output}`);
      const found = [...plain().matchAll(pattern)];
      return found.length ? found : null;
    }, what);
  }

  async stop() {
    this.process.kill("SIGTERM");
    await this.ended;
  }
}

/** Two nodes with traffic and loss between them. `pages` has the addresses of their pages. */
export async function demo({ messages = 6000, interval = "2s" } = {}) {
  const running = new Running(["demo", "--serve", `--messages=${messages}`, `--sync-interval=${interval}`]);
  await running.said(/node b\s+http\S+/g, "the addresses of the demo's pages");
  const found = await running.said(/node [ab]\s+(http\S+)/g, "the addresses of the demo's pages");
  return { pages: found.map((one) => one[1]), stop: () => running.stop() };
}

/** One node, with an archive of its own that is empty. */
export async function node(...args) {
  const place = await mkdtemp(join(tmpdir(), "page-check-"));
  const start = async (port) => {
    const running = new Running(["run", "--listen-address=127.0.0.1", "--tcp-port=0", "--cluster-id=99", "--shard=0",
      `--data-dir=${place}`, "--rest", `--rest-port=${port}`, ...args]);
    const found = await running.said(/serving REST.*?address=(\S+)/g, "the address of REST");
    const page = `http://${found[0][1]}/`;
    await until(async () => (await (await fetch(`${page}health`)).json()).nodeHealth === "READY", "a node that is READY");
    return [running, page];
  };
  let [running, page] = await start(0);
  return {
    page,
    /** Ends it, and starts it at the same address when what is given is called. */
    async pause() {
      await running.stop();
      return async () => {
        [running] = await start(new URL(page).port);
      };
    },
    async stop() {
      await running.stop();
      await rm(place, { recursive: true, force: true });
    },
  };
}
