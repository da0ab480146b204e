// The player and the timeline follow each other.
(() => {
  const film = document.getElementById("film");
  const strips = [...document.querySelectorAll(".strip")];
  const all = document.getElementById("show-all");
  if (all) all.addEventListener("change", () => document.body.classList.toggle("all", all.checked));
  if (!film) return;

  const track = document.getElementById("captions").track;
  track.mode = "showing";
  const count = () => (film.dataset.cues = String((track.cues || []).length));
  document.getElementById("captions").addEventListener("load", count);
  const timed = [...document.querySelectorAll("[data-at]")].map((element) => [Number(element.dataset.at), element]);

  const playFrom = (time) => {
    film.currentTime = Math.max(0, time - 0.5);
    film.play().catch(() => {}); // a browser may want a click on the player itself first
  };
  document.addEventListener("click", (event) => {
    const element = event.target.closest("[data-at]");
    if (element) return playFrom(Number(element.dataset.at));
    const strip = event.target.closest(".strip");
    if (!strip) return;
    const box = strip.getBoundingClientRect();
    const [start, end] = [Number(strip.dataset.start), Number(strip.dataset.end)];
    playFrom(start + ((event.clientX - box.left) / box.width) * (end - start));
  });

  const showPlace = () => {
    for (const strip of strips) {
      const [start, end] = [Number(strip.dataset.start), Number(strip.dataset.end)];
      const head = strip.querySelector(".playhead");
      head.hidden = !(film.currentTime >= start && film.currentTime < end);
      head.style.left = `${(100 * (film.currentTime - start)) / (end - start)}%`;
    }
    const shown = new Set([...(track.activeCues || [])].map((cue) => cue.startTime.toFixed(3)));
    for (const [time, element] of timed) element.classList.toggle("now", shown.has(time.toFixed(3)));
  };
  film.addEventListener("timeupdate", showPlace);
  track.addEventListener("cuechange", showPlace);
  film.addEventListener("error", () => (document.getElementById("unplayable").hidden = false));
})();
