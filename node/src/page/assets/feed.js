// What the node tells: all of it once, then what changes. A lost connection is made again and again.

const PAUSES = [1000, 2000, 5000, 10000, 30000];

/** How long an answer may take. */
const PATIENCE = 5000;

/** The JSON at a path of this node; an Error tells what was wrong in words. */
export async function get(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE), headers: { accept: "application/json" } });
  if (!answer.ok) {
    const error = new Error((await answer.text()).slice(0, 200) || `HTTP ${answer.status}`);
    error.status = answer.status;
    throw error;
  }
  return answer.json();
}

/**
 * Follows the node for as long as the page is open. `told.state(state)` gets all figures, `told.sessions(list)`
 * sessions that have changed, `told.connection("live" | "waiting" | "starting" | "limited" | "lost")` how it stands.
 */
export function follow(told) {
  let failures = 0;
  let source = null;

  async function load() {
    try {
      told.state(await get("/page/state"));
      return true;
    } catch (error) {
      told.connection({ 429: "limited", 503: "starting" }[error.status] ?? "lost");
      return false;
    }
  }

  function again() {
    source?.close();
    source = null;
    setTimeout(connect, PAUSES[Math.min(failures, PAUSES.length - 1)]);
    failures += 1;
  }

  async function connect() {
    if (!(await load())) {
      again();
      return;
    }
    source = new EventSource("/page/events");
    source.addEventListener("open", () => {
      failures = 0;
      told.connection("live");
      // What changed between the first figures and now.
      load();
    });
    source.addEventListener("state", (event) => told.state(JSON.parse(event.data)));
    source.addEventListener("sessions", (event) => told.sessions(JSON.parse(event.data)));
    source.addEventListener("reload", load);
    source.addEventListener("error", () => {
      told.connection("lost");
      again();
    });
  }

  told.connection("waiting");
  connect();
}
