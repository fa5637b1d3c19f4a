// Stands before a node, and has its answers fail, stall or be others.

import http from "node:http";

/**
 * A proxy of the node at `address`. `rules` are put to each request in turn, the newest first; a rule is
 * {path, act} with an act of {status}, {silent} or {change}: answered with that status, begun and never gone on
 * with, or the JSON that the node gave, changed by a function.
 */
export async function proxy(address) {
  const rules = [];
  const seen = [];
  const server = http.createServer((request, answer) => {
    seen.push(request.url);
    const rule = rules.find((one) => request.url.startsWith(one.path));
    if (rule?.act.status) answer.writeHead(rule.act.status, { "content-type": "text/plain" }).end("refused by a test");
    else forward(address, request, answer, rule?.act ?? {});
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    page: `http://127.0.0.1:${server.address().port}/`,
    /** What was asked for so far. */
    seen,
    /** Has requests of paths that start with `path` go by `act` from now on; gives what ends that. */
    rule(path, act) {
      const rule = { path, act };
      rules.unshift(rule);
      return () => rules.splice(rules.indexOf(rule), 1);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(address, request, answer, act) {
  const asked = http.get(new URL(request.url, address), { headers: { accept: request.headers.accept ?? "*/*" } }, (given) => {
    if (act.change) {
      collect(given, (text) => answer.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(act.change(JSON.parse(text)))));
      return;
    }
    answer.writeHead(given.statusCode, given.headers);
    answer.flushHeaders();
    if (act.silent) given.resume();
    else given.pipe(answer);
  });
  asked.on("error", () => answer.destroy());
  answer.on("close", () => asked.destroy());
}

function collect(stream, then) {
  const parts = [];
  stream.on("data", (part) => parts.push(part));
  stream.on("end", () => then(Buffer.concat(parts).toString("utf8")));
}
