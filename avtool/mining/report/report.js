// The table of all events: filtered by class, film, rule and words, a page of rows at a time.
(() => {
  const data = JSON.parse(document.getElementById("events-data").textContent);
  const body = document.querySelector("#events tbody");
  const filters = {
    sound: document.getElementById("by-class"),
    film: document.getElementById("by-film"),
    rule: document.getElementById("by-rule"),
  };
  const words = document.getElementById("by-words");
  const count = document.getElementById("events-count");
  const more = document.getElementById("events-more");
  const PAGE = matchMedia("(max-width: 42rem)").matches ? 30 : 200;
  const BRIEF = new Set(["film", "time", "lasts", "sure"]);
  let found = [];
  let shown = 0;

  const fill = (select, names) => {
    for (const [name, times] of names) {
      const option = document.createElement("option");
      option.value = name;
      option.textContent = `${name || "(no sound)"} (${times})`;
      select.append(option);
    }
  };
  const cell = (row, name, text) => {
    const td = row.insertCell();
    td.dataset.name = name;
    if (BRIEF.has(name)) td.className = "brief";
    td.append(text);
    return td;
  };
  const chips = (td, labels, kind) => {
    for (const label of labels) {
      const chip = document.createElement("span");
      chip.className = `chip ${kind}`;
      chip.textContent = label;
      td.append(chip);
    }
  };
  const addRows = () => {
    for (const event of found.slice(shown, shown + PAGE)) {
      const [film, clock, seconds, sounds, sources, qualities, tag, rule, timed, sure, clip] = event;
      const row = body.insertRow();
      cell(row, "film", data.films[film]);
      const time = cell(row, "time", "");
      if (clip) {
        const link = document.createElement("a");
        link.href = `clips/${encodeURIComponent(data.films[film])}/${encodeURIComponent(clip)}`;
        link.textContent = clock;
        link.title = "the clip";
        time.append(link);
      } else time.append(clock);
      cell(row, "lasts", seconds);
      cell(row, "sure", sure);
      const labels = cell(row, "labels", "");
      chips(labels, sounds, "sound");
      chips(labels, sources, "source");
      chips(labels, qualities, "quality");
      cell(row, "caption", tag);
      cell(row, "rule", data.rules[rule]);
      cell(row, "time from", data.timed[timed]);
    }
    shown = Math.min(found.length, shown + PAGE);
    count.textContent = `${found.length} of ${data.events.length} events, ${shown} shown`;
    more.hidden = shown >= found.length;
    more.textContent = `Show ${Math.min(PAGE, found.length - shown)} more`;
  };
  const apply = () => {
    const [sound, film, rule] = ["sound", "film", "rule"].map((name) => filters[name].value);
    const text = words.value.trim().toLowerCase();
    found = data.events.filter(
      (event) =>
        (sound === "*" || (sound ? event[3].includes(sound) : !event[3].length)) &&
        (film === "*" || data.films[event[0]] === film) &&
        (rule === "*" || data.rules[event[7]] === rule) &&
        (!text || event[6].toLowerCase().includes(text)),
    );
    body.replaceChildren();
    shown = 0;
    addRows();
  };
  fill(filters.sound, data.counts.sounds);
  fill(filters.film, data.counts.films);
  fill(filters.rule, data.counts.rules);
  for (const filter of [...Object.values(filters), words]) filter.addEventListener("input", apply);
  more.addEventListener("click", addRows);
  document.getElementById("events-filter").hidden = false;
  apply();
})();
