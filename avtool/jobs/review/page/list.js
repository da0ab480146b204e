// The list of events: as many rows as fit are drawn, however many events there are.

export const ROW = 52; // pixels, as in style.css
const SPARE = 6; // rows above and below what is visible

const FLAGS = { accepted: "accepted", rejected: "rejected", "": "" };

export class EventList {
  /**
   * @param view the scrolled element
   * @param space the element as high as all rows
   * @param row (index) → event of the list, or undefined
   * @param onSelect called with the index that was chosen by pointer
   */
  constructor(view, space, row, onSelect) {
    Object.assign(this, { view, space, row, length: 0, selected: -1, pool: [], frame: 0, worst: 0 });
    view.addEventListener("scroll", () => this.schedule(), { passive: true });
    new ResizeObserver(() => this.schedule()).observe(view);
    space.addEventListener("click", (event) => {
      const item = event.target.closest(".item");
      if (item) onSelect(Number(item.dataset.index));
    });
  }

  /** Another number of rows: all are drawn again. */
  resize(length) {
    this.length = length;
    this.space.style.height = `${length * ROW}px`;
    this.refresh();
  }

  select(index) {
    this.selected = index;
    const top = index * ROW;
    const { scrollTop, clientHeight } = this.view;
    if (top < scrollTop) this.view.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.view.scrollTop = top + ROW - clientHeight;
    this.view.setAttribute("aria-activedescendant", index < 0 ? "" : `row-${index}`);
    this.refresh();
  }

  /** Draws all visible rows again. */
  refresh() {
    for (const item of this.pool) item.dataset.index = "";
    this.draw();
  }

  schedule() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = 0;
    const begin = performance.now();
    const visible = Math.ceil(this.view.clientHeight / ROW) + 2 * SPARE;
    while (this.pool.length < Math.min(visible, this.length)) this.pool.push(this.newItem());
    const first = Math.max(0, Math.min(Math.floor(this.view.scrollTop / ROW) - SPARE, this.length - this.pool.length));
    for (let index = first; index < first + this.pool.length; index += 1) {
      const item = this.pool[index % this.pool.length];
      if (item.dataset.index !== String(index)) this.fill(item, index);
    }
    this.worst = Math.max(this.worst, performance.now() - begin);
  }

  newItem() {
    const item = document.createElement("div");
    item.className = "item";
    item.setAttribute("role", "option");
    item.innerHTML = "<div><b></b><i></i></div><div><small></small><em></em></div>";
    this.space.append(item);
    return item;
  }

  fill(item, index) {
    const event = index < this.length ? this.row(index) : undefined;
    item.hidden = !event;
    item.dataset.index = String(index);
    if (!event) return;
    item.id = `row-${index}`;
    item.style.transform = `translateY(${index * ROW}px)`;
    item.dataset.verdict = event.verdict;
    item.setAttribute("aria-selected", String(index === this.selected));
    item.setAttribute("aria-posinset", String(index + 1));
    item.setAttribute("aria-setsize", String(this.length));
    const [title, time, detail, flag] = item.querySelectorAll("b, i, small, em");
    title.textContent = titleOf(event);
    time.textContent = clock(event.start);
    detail.textContent = event.sounds.length && event.text ? `${event.film} · ${event.text}` : event.film;
    const doubt = event.predicted?.disagrees ? `${event.predicted.label} ${Math.round(100 * event.predicted.probability)} %` : "";
    flag.textContent = doubt || FLAGS[event.verdict];
  }
}

/** The labels of an event, or its caption where it has none. */
export function titleOf(event) {
  const labels = [...event.sounds, ...event.sources];
  return labels.length ? labels.join(", ") : event.text || "(no label)";
}

/** Seconds as 1:02:03.4. */
export function clock(seconds) {
  const tenths = Math.round(10 * seconds);
  const [hours, minutes] = [Math.floor(tenths / 36000), Math.floor(tenths / 600) % 60];
  const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}
