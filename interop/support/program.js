// The program `wakustore`, run to its end, and the archives that it is run on.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The program under test: `WAKUSTORE`, or what cargo builds. */
export const PROGRAM =
  process.env.WAKUSTORE ?? fileURLToPath(new URL("../../target/debug/wakustore", import.meta.url));

if (!existsSync(PROGRAM)) {
  throw new Error(`there is no ${PROGRAM}: build it (cargo build --locked -p wakustore), or set WAKUSTORE`);
}

/** Runs the program to its end and gives its standard output; anything but success is an error. */
export function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(PROGRAM, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${args.join(" ")}: exit code ${code}: ${errors}`)),
    );
  });
}

/** A directory of a test's own with archives in it. */
export class Place {
  #directory;

  constructor(directory) {
    this.#directory = directory;
  }

  static async make() {
    return new Place(await mkdtemp(path.join(tmpdir(), "wakustore-interop-")));
  }

  path(name) {
    return path.join(this.#directory, name);
  }

  /** The arguments that name the archive `name`. */
  archive(name) {
    return ["--store-message-db-url", `redb://${this.path(name)}`];
  }

  /** Puts lines into the archive `name`. */
  async import(name, lines) {
    const file = this.path(`${name}.jsonl`);
    await writeFile(file, lines.map((line) => `${line}\n`).join(""));
    await run(["import", file, ...this.archive(name)]);
  }

  /** What the archive `name` holds, one parsed line each, in order. Its node has to have ended. */
  async export(name) {
    const output = await run(["export", ...this.archive(name)]);
    return output
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  remove() {
    return rm(this.#directory, { recursive: true, force: true });
  }
}
