// A running `wakustore run`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { CLUSTER } from "./network.js";
import { PROGRAM } from "./program.js";
import { until, within } from "./wait.js";

/** How many of the last lines of a log are kept to be shown with a failure. */
const LINES_KEPT = 200;

export class Node {
  /** The arguments with which it serves its REST API. */
  static REST = ["--rest=true", "--rest-port=0"];

  #child;
  #ended;
  #addresses = [];
  #rest;
  #log = [];

  constructor(child) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.on("close", (code, signal) => resolve(code ?? signal)));
    createInterface({ input: child.stdout }).on("line", (line) => this.#addresses.push(line));
    createInterface({ input: child.stderr }).on("line", (line) => {
      this.#rest ??= /serving REST.* address=(\S+)/.exec(line)?.[1];
      this.#log.push(line);
      if (this.#log.length > LINES_KEPT) this.#log.shift();
    });
  }

  /** Starts a node on the archive `name` of a place, and waits until it listens for tcp and websockets. */
  static async start(place, name, ...args) {
    const line = [
      "run",
      "--listen-address=127.0.0.1",
      "--tcp-port=0",
      "--websocket-support",
      "--websocket-port=0",
      `--cluster-id=${CLUSTER}`,
      `--data-dir=${place.path(`${name}-data`)}`,
      ...place.archive(name),
      ...args,
    ];
    const env = { ...process.env, RUST_LOG: process.env.RUST_LOG ?? "info" };
    const child = spawn(PROGRAM, line, { stdio: ["ignore", "pipe", "pipe"], env });
    // A test that failed leaves nothing behind.
    process.once("exit", () => child.kill("SIGKILL"));
    const node = new Node(child);
    try {
      await until("the node listens", () => {
        if (node.#child.exitCode !== null) throw new Error("the node has ended");
        return node.tcp && node.websocket && (node.#rest || !args.includes(Node.REST[0]));
      });
    } catch (error) {
      node.kill();
      throw new Error(`${error.message}; its log: ${node.log}`);
    }
    return node;
  }

  get tcp() {
    return this.#addresses.find((address) => address.includes("/tcp/") && !address.includes("/ws"));
  }

  get websocket() {
    return this.#addresses.find((address) => address.includes("/ws"));
  }

  /** The start of the URLs of its REST API. */
  get rest() {
    return `http://${this.#rest}`;
  }

  get peerId() {
    return this.tcp.split("/p2p/")[1];
  }

  /** The last lines of its log. */
  get log() {
    return this.#log.join("\n");
  }

  /** Waits until a line of its log has all these words, and gives the line. */
  logged(...words) {
    const has = (line) => words.every((word) => line.includes(word));
    return until(`a line of the log with ${words}`, () => this.#log.find(has));
  }

  /** Ends it, as an operator does; it has to end well. */
  async stop() {
    this.#child.kill("SIGTERM");
    assert.equal(await within("the node ends", this.#ended), 0, this.log);
  }

  kill() {
    this.#child.kill("SIGKILL");
    return this.#ended;
  }
}
