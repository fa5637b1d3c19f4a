// What the node tells: all of it once, then what changes. A lost connection is made again and again.

const PAUSES = [1000, 2000, 5000, 10000, 30000];

/** The longest pause while figures come by asking alone. */
const POLL = 5000;

/** How long an answer may take. */
const PATIENCE = 5000;

/** How long events may stay away; the node sends its figures every 2 s. */
const SILENCE = 10000;

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
 * sessions that have changed, `told.connection(how)` how it stands: "live", "waiting", "starting", "limited",
 * "crowded" where figures come and events don't, or "lost".
 */
export function follow(told) {
  let failures = 0;
  let source = null;
  let silence = null;
  let loads = 0;
  // What was told of sessions while figures were under way, which may be older than that.
  const meanwhile = new Map();

  /** Takes all figures; gives what is wrong, null where nothing is. */
  async function load() {
    loads += 1;
    try {
      told.state(await get("/page/state"));
      if (meanwhile.size > 0) told.sessions([...meanwhile.values()]);
      return null;
    } catch (error) {
      return { 429: "limited", 503: "starting" }[error.status] ?? "lost";
    } finally {
      loads -= 1;
      if (loads === 0) meanwhile.clear();
    }
  }

  function again(trouble) {
    clearTimeout(silence);
    source?.close();
    source = null;
    told.connection(trouble);
    const pause = PAUSES[Math.min(failures, PAUSES.length - 1)];
    setTimeout(connect, trouble === "crowded" ? Math.min(pause, POLL) : pause);
    failures += 1;
  }

  async function connect() {
    const trouble = await load();
    if (trouble) again(trouble);
    else listen();
  }

  function listen() {
    const mine = new EventSource("/page/events");
    source = mine;
    let opened = false;
    const isOver = () => source !== mine;

    // Half-open connections end by themselves after very long, if ever.
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => again("lost"), SILENCE);
    };
    const refresh = async () => {
      const trouble = await load();
      if (trouble && !isOver()) again(trouble);
      return trouble === null && !isOver();
    };
    const on = (name, act) => mine.addEventListener(name, (event) => {
      if (isOver()) return;
      heard();
      act(event);
    });

    on("open", async () => {
      opened = true;
      // What changed between the first figures and now.
      if (!(await refresh())) return;
      failures = 0;
      told.connection("live");
    });
    on("state", (event) => told.state(JSON.parse(event.data)));
    on("sessions", (event) => {
      const changed = JSON.parse(event.data);
      if (loads > 0) for (const session of changed) meanwhile.set(session.id, session);
      told.sessions(changed);
    });
    on("reload", refresh);
    mine.addEventListener("error", async () => {
      if (isOver()) return;
      // It isn't told with what status events were refused; figures are asked for by the same limits.
      mine.close();
      const trouble = opened ? "lost" : (await load()) ?? "crowded";
      if (!isOver()) again(trouble);
    });
    heard();
  }

  told.connection("waiting");
  connect();
}
