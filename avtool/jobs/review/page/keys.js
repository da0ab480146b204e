// The keys of the page, and their list under `?`.

export const KEYS = [
  ["j", "↓", "next event", "next"],
  ["k", "↑", "previous event", "previous"],
  ["n", "", "next event without a verdict", "undecided"],
  [" ", "", "play the event, or pause", "play"],
  ["p", "", "play with context", "playAll"],
  ["Enter", "a", "accept, next event", "accept"],
  ["x", "", "reject, next event", "reject"],
  ["c", "", "take the verdict away", "clear"],
  ["l", "", "edit the labels or the caption; Enter saves, Escape cancels", "edit"],
  ["[", "", "start 0.1 s earlier (Alt: 0.01 s)", "startBack"],
  ["]", "", "start 0.1 s later", "startOn"],
  [",", "", "end 0.1 s earlier", "endBack"],
  [".", "", "end 0.1 s later", "endOn"],
  ["s", "", "split at the playhead", "split"],
  ["m", "", "merge with the next event of the film", "merge"],
  ["u", "", "undo", "undo"],
  ["r", "", "redo", "redo"],
  ["+", "=", "less context", "closer"],
  ["-", "", "more context", "further"],
  ["o", "", "play on selection, or not", "autoplay"],
  ["f", "/", "filters", "filters"],
  ["?", "", "this list", "help"],
];
const NAMES = { " ": "space", Enter: "enter" };
const ALIASES = { ArrowDown: "next", ArrowUp: "previous" };
const TYPED = new Set(["INPUT", "SELECT", "TEXTAREA"]);

/** Runs `actions[name](fine)` for a key, unless it is typed into a field or works a focused button. */
export function listen(actions, isBusy) {
  const byKey = new Map(KEYS.flatMap(([key, other, , name]) => [[key, name], [other, name]]));
  document.addEventListener("keydown", (event) => {
    if (isBusy() || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    const { tagName, type } = event.target;
    if (TYPED.has(tagName) && type !== "checkbox") {
      if (event.key === "Escape") actions.leave();
      return;
    }
    const pressed = event.key === " " || event.key === "Enter";
    if (pressed && (tagName === "BUTTON" || tagName === "SUMMARY" || type === "checkbox")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const name = byKey.get(key) ?? ALIASES[event.key] ?? (event.code === "BracketLeft" ? "startBack" : undefined);
    if (!name) return;
    event.preventDefault();
    actions[name](event.altKey);
  });
}

export function listKeys(list) {
  for (const [key, other, text] of KEYS) {
    const term = document.createElement("dt");
    for (const one of [key, other].filter(Boolean)) {
      const cap = document.createElement("kbd");
      cap.textContent = NAMES[one] ?? one;
      term.append(cap, " ");
    }
    const meaning = document.createElement("dd");
    meaning.textContent = text;
    list.append(term, meaning);
  }
}
