// Events, decisions and filters: everything that is not drawn. Decisions are sent one after the other.

const POLL_MS = 1500;

export const state = {
  facts: null, // title, kind, taxonomy, …
  events: new Map(), // id → event as it is now
  order: [], // ids in the order of the dataset, parts behind the event that they were split off
  shown: [], // ids that the filters leave, in the order that was chosen
  revision: 0,
  reviewer: "",
};
const listeners = new Set();
let queue = Promise.resolve();

/** Calls back with the ids of changed events (null: all) and whether the list is another one. */
export function subscribe(listener) {
  listeners.add(listener);
}

function publish(ids, relisted = false) {
  for (const listener of listeners) listener(ids, relisted);
}

async function request(path, body) {
  const options = body
    ? { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), keepalive: true }
    : {};
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("the server does not respond: start `avtool review` again");
  }
  const values = await answer.json().catch(() => ({ error: `the server refuses (${answer.status})` }));
  if (!answer.ok) throw new Error(values.error);
  return values;
}

export async function load(reviewer) {
  const found = await request(`api/events?reviewer=${encodeURIComponent(reviewer)}`);
  const { events, decided, revision, ...facts } = found;
  state.facts = facts;
  state.reviewer = reviewer || facts.reviewer;
  state.revision = revision;
  state.events = new Map(events.map((event) => [event.event_id, { ...event, verdict: "", reviewer: "" }]));
  state.order = events.map((event) => event.event_id);
  merge(decided);
  if (!reviewer && facts.blind) return load(state.reviewer);
  return facts;
}

/** Takes over events as the server has them; null removes a part whose split was undone. */
function merge(events) {
  let relisted = false;
  for (const [id, event] of Object.entries(events)) {
    const known = state.events.has(id);
    if (event === null) {
      if (!known) continue;
      state.events.delete(id);
      state.order = state.order.filter((other) => other !== id);
      state.shown = state.shown.filter((other) => other !== id);
      relisted = true;
      continue;
    }
    state.events.set(id, event);
    if (known) continue;
    const parent = id.split("+")[0];
    for (const name of ["order", "shown"]) {
      const ids = state[name];
      let place = ids.indexOf(parent);
      if (place < 0 && name === "shown") continue;
      while (ids[place + 1]?.startsWith(`${parent}+`) && state.events.get(ids[place + 1]).start < event.start) place += 1;
      ids.splice(place + 1, 0, id);
    }
    relisted = true;
  }
  return relisted;
}

/**
 * Sends a decision, an undo or a redo; resolves to the changed ids.
 *
 * A body that depends on what earlier ones leave is a function, called when they are acknowledged: of no
 * body nothing is sent.
 */
export function send(path, body) {
  const work = queue.then(async () => {
    const given = typeof body === "function" ? body() : body;
    if (!given) return [];
    const change = await request(path, { reviewer: state.reviewer, ...given });
    // Rows of another browser before ours come with the next poll.
    if (change.first === state.revision) state.revision = change.revision;
    const relisted = merge(change.events);
    const ids = Object.keys(change.events);
    publish(ids, relisted);
    return ids;
  });
  queue = work.catch(() => {});
  return work;
}

/** Every second and a half: what other browsers decided. */
export function poll(onError) {
  let lost = false;
  const turn = async () => {
    try {
      await queue;
      const since = state.revision;
      const change = await request(`api/changes?since=${since}&reviewer=${encodeURIComponent(state.reviewer)}`);
      if (lost) onError("");
      lost = false;
      if (change.revision !== since && state.revision === since) {
        state.revision = change.revision;
        const relisted = merge(change.events);
        publish(Object.keys(change.events), relisted);
      }
    } catch (error) {
      if (!lost) onError(error.message);
      lost = true;
    }
    setTimeout(turn, POLL_MS);
  };
  setTimeout(turn, POLL_MS);
}

export const settled = () => queue;

// --- filters

const ORDERS = {
  film: null,
  doubtful: (a, b) => (b.predicted?.doubt ?? -1) - (a.predicted?.doubt ?? -1),
  unsure: (a, b) => (a.conf ?? 2) - (b.conf ?? 2),
  short: (a, b) => a.end - a.start - (b.end - b.start),
};

/** Lists the events that pass; the list stays while they are decided, so that nothing jumps. */
export function applyFilters(wanted) {
  const words = wanted.words.trim().toLowerCase();
  const passes = (event) =>
    (wanted.sound === "*" || (wanted.sound ? event.sounds.includes(wanted.sound) : !event.sounds.length)) &&
    (wanted.film === "*" || event.film === wanted.film) &&
    (wanted.rule === "*" || event.rule === wanted.rule) &&
    (wanted.verdict === "*" || event.verdict === wanted.verdict) &&
    (wanted.model === "*" || (event.predicted && String(event.predicted.disagrees) === wanted.model)) &&
    (event.conf === null || event.conf * 100 <= wanted.conf + 1e-9) &&
    (!words || `${event.text} ${event.tag} ${event.event_id}`.toLowerCase().includes(words));
  const found = state.order.map((id) => state.events.get(id)).filter(passes);
  if (ORDERS[wanted.order]) found.sort(ORDERS[wanted.order]);
  state.shown = found.map((event) => event.event_id);
  publish(null, true);
}

export function counts() {
  let accepted = 0;
  let rejected = 0;
  for (const event of state.events.values()) {
    if (event.verdict === "accepted") accepted += 1;
    else if (event.verdict === "rejected") rejected += 1;
  }
  return { all: state.events.size, accepted, rejected };
}

/** The next event of the film in time that is not rejected, to merge with. */
export function following(event) {
  let best = null;
  for (const other of state.events.values()) {
    if (other.film !== event.film || other.event_id === event.event_id || other.verdict === "rejected") continue;
    const later = other.start > event.start || (other.start === event.start && other.event_id > event.event_id);
    if (later && (!best || other.start < best.start)) best = other;
  }
  return best;
}

/** The other events of the film that reach into a span of it. */
export function around(event, from, to) {
  const found = [];
  for (const other of state.events.values()) {
    const inside = other.film === event.film && other.end > from && other.start < to;
    if (inside && other.event_id !== event.event_id && other.verdict !== "rejected") found.push(other);
  }
  return found;
}
