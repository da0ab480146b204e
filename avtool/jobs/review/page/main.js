// The page: the event that is chosen, its media, and what people do to it.

import { listen, listKeys } from "./keys.js";
import { LabelForm } from "./labels.js";
import { clock, EventList, titleOf } from "./list.js";
import { Player } from "./player.js";
import { applyFilters, around, counts, following, load, poll, send, settled, state, subscribe } from "./store.js";
import { Timeline } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const CONTEXTS = [1, 2, 4, 8, 16]; // seconds before and after an event
const FILTERS = ["sound", "film", "rule", "verdict", "model", "order", "conf", "words"];

let chosen = null; // id of the event
let since = performance.now(); // when it was chosen, for the time that it took
let span = [0, 1]; // seconds of the film that are drawn
let context = 2;
let media = new AbortController();
const noVideo = new Set(); // numbers of the files without video
let form = null;

const at = (index) => state.events.get(state.shown[index]);
const event = () => state.events.get(chosen);
const list = new EventList($("rows"), $("space"), at, (index) => choose(state.shown[index]));
const player = new Player((time, playing) => {
  timeline.movePlayhead(time);
  $("clock").textContent = `${clock(time)} of ${clock(span[0])} to ${clock(span[1])}`;
  $("play").textContent = playing ? "❚❚ Pause" : "▶ Event";
});
const timeline = new Timeline(
  { box: $("timeline"), canvas: $("canvas"), from: $("from"), to: $("to"), playhead: $("playhead") },
  (start, end) => decide("move", { start, end }, "moved"),
  (time) => player.seek(time),
);

// --- what is shown

let hide = 0;
function report(text, bad = false) {
  $("status").textContent = text;
  $("status").className = text ? `shown${bad ? " bad-news" : ""}` : "";
  clearTimeout(hide);
  if (text && !bad) hide = setTimeout(() => report(""), 1600);
}

function choose(id) {
  if (!id || !state.events.has(id)) return;
  if (id !== chosen) since = performance.now();
  chosen = id;
  history.replaceState(null, "", `#${encodeURIComponent(id)}`);
  list.select(state.shown.indexOf(id));
  const { start, end } = event();
  const extra = CONTEXTS[context];
  const from = Math.max(0, start - extra);
  span = [from, Math.min(end + extra, from + state.facts.longest)].map((time) => Math.round(100 * time) / 100);
  draw();
  loadMedia();
}

/** The event's words, labels and borders, as they are now. */
function draw() {
  const current = event();
  if (!current) return;
  $("caption").textContent = state.facts.kind === "captions" ? current.text : current.tag || titleOf(current);
  $("where").textContent = `${current.film} · ${clock(current.start)} to ${clock(current.end)} · ${(current.end - current.start).toFixed(2)} s`;
  const facts = [
    current.verdict && `${current.verdict}${current.reviewer ? ` by ${current.reviewer}` : ""}`,
    current.rule && `rule ${current.rule}`,
    current.conf !== null && `${Math.round(100 * current.conf)} % sure`,
    current.predicted && `model: ${current.predicted.label} ${Math.round(100 * current.predicted.probability)} %`,
    current.predicted?.disagrees && "disagrees",
  ];
  $("facts").textContent = facts.filter(Boolean).join(" · ");
  if (!$("labels").contains(document.activeElement)) form.show(current);
  if (document.activeElement !== $("text")) $("text").value = current.text;
  timeline.show(current, span, around(current, ...span));
  $("merge").disabled = !following(current);
}

function address(kind, source, [start, end]) {
  return `${kind}/${source}?start=${start}&end=${end}`;
}

async function loadMedia() {
  media.abort();
  media = new AbortController();
  const { signal } = media;
  const { source } = event();
  const wanted = span;
  timeline.clear();
  $("clock").textContent = "loading…";
  const strip = $("strip");
  strip.alt = `Frames of the film around ${titleOf(event())}`;
  strip.onload = () => (strip.hidden = false);
  strip.onerror = () => {
    strip.hidden = true; // audio alone
    noVideo.add(source);
  };
  if (noVideo.has(source)) strip.hidden = true;
  else strip.src = address("strip", source, wanted);
  const image = new Image();
  image.onload = () => signal.aborted || timeline.setImage(image);
  image.src = address("spectrogram", source, wanted);
  try {
    const loaded = await player.load(address("audio", source, wanted), wanted[0]);
    if (!loaded || signal.aborted) return;
    timeline.setSamples(player.samples);
    player.onTime(event().start, false);
    if ($("autoplay").checked) player.play(event().start, event().end);
    setTimeout(() => signal.aborted || prefetch(), 200);
  } catch (error) {
    if (!signal.aborted && !(error instanceof TypeError)) report(error.message, true); // a lost server: see `poll`
  }
}

/** The media of the next event, so that they are there when it is chosen. */
function prefetch() {
  const next = at(state.shown.indexOf(chosen) + 1);
  if (!next) return;
  const from = Math.max(0, next.start - CONTEXTS[context]);
  const ahead = [from, Math.min(next.end + CONTEXTS[context], from + state.facts.longest)].map((time) => Math.round(100 * time) / 100);
  for (const kind of ["audio", "spectrogram", ...(noVideo.has(next.source) ? [] : ["strip"])]) {
    fetch(address(kind, next.source, ahead), { signal: media.signal, priority: "low" }).catch(() => {});
  }
}

function progress() {
  const { all, accepted, rejected } = counts();
  $("done").textContent = `${accepted + rejected} of ${all}: ${accepted} accepted, ${rejected} rejected`;
  $("bar").max = Math.max(1, all);
  $("bar").value = accepted + rejected;
}

// --- what people do

function decide(action, more = {}, word = "") {
  const current = event();
  if (!current) return;
  const seconds = Math.min(3600, (performance.now() - since) / 1000);
  since = performance.now();
  const body = (extra) => extra && { event_id: current.event_id, action, seconds, ...extra };
  send("api/decide", typeof more === "function" ? () => body(more()) : body(more)).then(
    (ids) => word && ids.length && report(`${word}: ${titleOf(current)}`),
    (error) => {
      report(error.message, true);
      timeline.moved = null;
      draw();
    },
  );
}

function move(step) {
  const index = state.shown.indexOf(chosen) + step;
  if (index >= 0 && index < state.shown.length) choose(state.shown[index]);
  else report(step > 0 ? "the last event" : "the first event");
}

async function takeBack(path, word) {
  try {
    const ids = await send(path, {});
    report(ids.length ? word : `nothing to ${path.slice(4)}`);
    if (ids.length && state.events.has(ids[0])) choose(ids[0]);
    else if (!event()) choose(state.shown[0]);
  } catch (error) {
    report(error.message, true);
  }
}

const actions = {
  next: () => move(1),
  previous: () => move(-1),
  undecided: () => {
    const after = state.shown.slice(state.shown.indexOf(chosen) + 1);
    const id = [...after, ...state.shown].find((one) => !state.events.get(one).verdict);
    if (id) choose(id);
    else report("every event of the list has a verdict");
  },
  play: () => (player.playing ? player.pause() : player.play(event().start, event().end)),
  playAll: () => (player.playing ? player.pause() : player.play(...span)),
  accept: () => (decide("accept", {}, "accepted"), move(1)),
  reject: () => (decide("reject", {}, "rejected"), move(1)),
  clear: () => decide("clear", {}, "no verdict"),
  edit: () => (state.facts.kind === "captions" ? ($("text").focus(), $("text").select()) : form.focus()),
  startBack: (fine) => timeline.step("start", -1, fine),
  startOn: (fine) => timeline.step("start", 1, fine),
  endBack: (fine) => timeline.step("end", -1, fine),
  endOn: (fine) => timeline.step("end", 1, fine),
  split: () => {
    const { start, end } = event();
    const inside = player.time > start + 0.02 && player.time < end - 0.02;
    decide("split", inside ? { at: Math.round(1000 * player.time) / 1000 } : {}, "split");
  },
  merge: () => {
    const id = chosen;
    const next = () => state.events.has(id) && following(state.events.get(id)); // once an undo before it is done
    decide("merge", () => (next() ? { other: next().event_id } : null), "merged");
  },
  undo: () => takeBack("api/undo", "undone"),
  redo: () => takeBack("api/redo", "redone"),
  closer: () => zoom(-1),
  further: () => zoom(1),
  autoplay: () => {
    $("autoplay").checked = !$("autoplay").checked;
    report(`play on selection: ${$("autoplay").checked ? "on" : "off"}`);
  },
  filters: () => (($("filters").open = true), $(state.facts.kind === "captions" ? "by-film" : "by-sound").focus()),
  help: () => $("help").showModal(),
  leave: () => (document.activeElement.blur(), $("rows").focus({ preventScroll: true }), draw()),
};

function zoom(step) {
  context = Math.min(CONTEXTS.length - 1, Math.max(0, context + step));
  choose(chosen);
}

// --- filters

function options(select, entries) {
  for (const [value, text] of entries) select.append(new Option(text, value));
}

function fillFilters() {
  const { facts, events } = state;
  const tally = (name) => {
    const found = new Map();
    for (const one of events.values()) for (const value of [one[name]].flat()) found.set(value, (found.get(value) ?? 0) + 1);
    return [...found].map(([value, many]) => [value, `${value || "(none)"} (${many})`]);
  };
  const sounds = tally("sounds").sort(([a], [b]) => a.localeCompare(b));
  if ([...events.values()].some((one) => !one.sounds.length)) sounds.push(["", "(no sound)"]);
  options($("by-sound"), [["*", "all"], ...sounds]);
  options($("by-film"), [["*", "all"], ...tally("film")]);
  options($("by-rule"), [["*", "all"], ...tally("rule")]);
  options($("by-verdict"), [["*", "all"], ["", "none yet"], ["accepted", "accepted"], ["rejected", "rejected"]]);
  options($("by-model"), [["*", "all"], ["true", "disagrees"], ["false", "agrees"]]);
  const orders = [["film", "film and time"], ["unsure", "least sure first"], ["short", "shortest first"]];
  if (facts.model) orders.unshift(["doubtful", "doubtful first"]);
  options($("by-order"), orders);
  $("by-model").disabled = !facts.model;
  let kept = {};
  try {
    kept = JSON.parse(sessionStorage.getItem("filters")) ?? {};
  } catch {} // of another version
  for (const name of FILTERS) {
    const field = $(`by-${name}`);
    if (kept[name] !== undefined) field.value = kept[name];
    if (field.selectedIndex === -1) field.selectedIndex = 0;
    field.addEventListener("input", filter);
  }
}

function filter() {
  const wanted = Object.fromEntries(FILTERS.map((name) => [name, $(`by-${name}`).value]));
  sessionStorage.setItem("filters", JSON.stringify(wanted));
  applyFilters({ ...wanted, conf: wanted.conf === "" ? 100 : Number(wanted.conf) });
}

// --- start

subscribe((ids, relisted) => {
  if (relisted) {
    list.selected = state.shown.indexOf(chosen);
    list.resize(state.shown.length);
    $("count").textContent = `${state.shown.length} of ${state.events.size}`;
  } else list.refresh();
  progress();
  if (!event() && state.shown.length) choose(state.shown[0]);
  else if (ids === null || ids.includes(chosen)) draw();
});

async function begin() {
  const wanted = decodeURIComponent(location.hash.slice(1)); // before the list chooses its first event
  const facts = await load(sessionStorage.getItem("reviewer") ?? "");
  document.title = `Review of ${facts.title}`;
  $("title").textContent = facts.title;
  $("reviewer").value = state.reviewer;
  form = new LabelForm($("labels"), facts.taxonomy, (labels) => {
    decide("relabel", labels, "labelled");
    actions.leave();
  }, () => actions.leave());
  $("labels").hidden = facts.kind === "captions";
  $("words").hidden = facts.kind !== "captions";
  for (const name of ["sound", "rule", "model", "conf"]) $(`by-${name}`).closest("label").hidden = facts.kind === "captions";
  fillFilters();
  $("filters").open = matchMedia("(min-width: 56rem)").matches;
  filter();
  const first = state.shown.find((id) => !state.events.get(id).verdict) ?? state.shown[0];
  choose(state.events.has(wanted) ? wanted : first);
  listKeys($("keys"));
  listen(actions, () => $("help").open);
  $("rows").focus({ preventScroll: true });
  poll((message) => report(message, Boolean(message)));
}

const buttons = { play: "play", "play-all": "playAll", closer: "closer", further: "further", accept: "accept", reject: "reject",
  split: "split", merge: "merge", clear: "clear", previous: "previous", next: "next", undo: "undo", redo: "redo", "help-open": "help" };
for (const [id, name] of Object.entries(buttons)) $(id).addEventListener("click", () => actions[name](false));
const saveWords = () => {
  decide("edit", { text: $("text").value.trim() }, "saved");
  actions.leave();
};
$("words").addEventListener("submit", (submitted) => (submitted.preventDefault(), saveWords()));
$("text").addEventListener("keydown", (pressed) => {
  if (pressed.key !== "Enter" || pressed.shiftKey) return;
  pressed.preventDefault();
  saveWords();
});
$("reviewer").addEventListener("change", async () => {
  const name = $("reviewer").value.trim();
  if (!name) return void ($("reviewer").value = state.reviewer);
  await settled();
  sessionStorage.setItem("reviewer", name);
  state.reviewer = name;
  if (state.facts.blind) location.reload();
});
globalThis.review = { state, list, settled }; // for tests and the console
begin().catch((error) => report(error.message, true));
