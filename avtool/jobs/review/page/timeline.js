// Waveform and spectrogram of a span of film, with the borders of the event to drag.

import { titleOf } from "./list.js";
import { peaks } from "./player.js";

const LANE = 20; // pixels of the neighbours' names
const STEP = 0.1; // seconds of an arrow key; a tenth of it with Shift

export class Timeline {
  /**
   * @param elements {box, canvas, from, to, playhead}
   * @param onMove called with (start, end) when a border was let go or stepped
   * @param onSeek called with a time that was clicked
   */
  constructor(elements, onMove, onSeek) {
    Object.assign(this, elements, { onMove, span: [0, 1], event: null, others: [], image: null, samples: null, frame: 0 });
    new ResizeObserver(() => this.schedule()).observe(this.box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.schedule());
    this.makeDraggable(this.from, "start");
    this.makeDraggable(this.to, "end");
    this.canvas.addEventListener("pointerdown", (event) => onSeek(this.timeAt(event.clientX)));
  }

  get start() {
    return this.moved?.start ?? this.event?.start ?? 0;
  }

  get end() {
    return this.moved?.end ?? this.event?.end ?? 0;
  }

  show(event, span, others) {
    Object.assign(this, { event, span, others, moved: null });
    this.schedule();
  }

  clear() {
    Object.assign(this, { image: null, samples: null });
    this.playhead.hidden = true;
    this.schedule();
  }

  setImage(image) {
    this.image = image;
    this.schedule();
  }

  setSamples(samples) {
    this.samples = samples;
    this.schedule();
  }

  timeAt(clientX) {
    const { left, width } = this.box.getBoundingClientRect();
    return this.clamp(this.span[0] + ((clientX - left) / width) * (this.span[1] - this.span[0]));
  }

  clamp(time) {
    return Math.round(1000 * Math.min(this.span[1], Math.max(this.span[0], time))) / 1000;
  }

  place(time) {
    return ((time - this.span[0]) / (this.span[1] - this.span[0])) * this.box.clientWidth;
  }

  movePlayhead(time) {
    this.playhead.hidden = false;
    this.playhead.style.transform = `translateX(${this.place(time)}px)`;
  }

  makeDraggable(handle, name) {
    handle.addEventListener("pointerdown", (event) => {
      if (!this.event) return;
      event.preventDefault();
      handle.focus();
      handle.setPointerCapture(event.pointerId);
      this.moved = { start: this.start, end: this.end };
    });
    handle.addEventListener("pointermove", (event) => {
      if (this.moved && handle.hasPointerCapture(event.pointerId)) this.set(name, this.timeAt(event.clientX));
    });
    handle.addEventListener("pointerup", () => this.finish());
    handle.addEventListener("pointercancel", () => {
      this.moved = null;
      this.schedule();
    });
    handle.addEventListener("keydown", (event) => {
      const direction = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (!direction || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      this.step(name, direction, event.shiftKey);
    });
  }

  /** Moves a border by a step and reports it. */
  step(name, direction, fine) {
    if (!this.event) return;
    this.moved = { start: this.start, end: this.end };
    this.set(name, this[name] + direction * (fine ? STEP / 10 : STEP));
    this.finish();
  }

  set(name, time) {
    const bounded = name === "start" ? Math.min(time, this.end - 0.02) : Math.max(time, this.start + 0.02);
    this.moved[name] = Math.round(1000 * Math.max(0, bounded)) / 1000;
    this.schedule();
  }

  finish() {
    const moved = this.moved;
    if (moved && (moved.start !== this.event.start || moved.end !== this.event.end)) this.onMove(moved.start, moved.end);
    else this.moved = null;
  }

  schedule() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = 0;
    const { clientWidth: width, clientHeight: height } = this.box;
    const ratio = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const style = getComputedStyle(this.box);
    const colour = (name) => style.getPropertyValue(name).trim();
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const waveHeight = Math.round((height - LANE) * 0.34);
    if (this.samples) this.drawWave(context, width, LANE, waveHeight, colour("--wave"));
    const top = LANE + waveHeight;
    if (this.image) context.drawImage(this.image, 0, top, width, height - top);
    if (!this.event) return;
    const [left, right] = [this.place(this.start), this.place(this.end)];
    const shade = (name, from, to) => {
      context.fillStyle = name;
      context.fillRect(0, from, Math.max(0, left), to - from);
      context.fillRect(right, from, Math.max(0, width - right), to - from);
    };
    shade(colour("--shade"), LANE, top);
    shade(this.image ? "rgb(16 19 24 / 58%)" : colour("--shade"), top, height);
    this.drawNames(context, colour);
    for (const [handle, time, x] of [[this.from, this.start, left], [this.to, this.end, right]]) {
      handle.style.transform = `translateX(${x}px)`;
      handle.hidden = x < -1 || x > width + 1;
      handle.setAttribute("aria-valuenow", time.toFixed(3));
      handle.setAttribute("aria-valuetext", `${time.toFixed(2)} seconds`);
      handle.setAttribute("aria-valuemin", "0");
      handle.setAttribute("aria-valuemax", this.span[1].toFixed(3));
    }
  }

  drawWave(context, width, top, height, colour) {
    const columns = Math.max(1, Math.round(width));
    const found = peaks(this.samples, columns);
    let most = 0.02; // quiet spans are drawn larger, silence is not
    for (const value of found) most = Math.max(most, Math.abs(value));
    context.fillStyle = colour;
    for (let column = 0; column < columns; column += 1) {
      const [low, high] = [found[2 * column] / most, found[2 * column + 1] / most];
      const y = top + (height / 2) * (1 - 0.94 * high);
      context.fillRect(column, y, 1, Math.max(1, (height / 2) * 0.94 * (high - low)));
    }
  }

  drawNames(context, colour) {
    context.font = `12px ${getComputedStyle(this.box).fontFamily}`;
    context.textBaseline = "middle";
    for (const other of [...this.others, this.event]) {
      const own = other === this.event;
      const left = this.place(own ? this.start : other.start);
      const width = this.place(own ? this.end : other.end) - left;
      context.fillStyle = colour(own ? "--accent" : "--line");
      context.fillRect(left, 2, Math.max(2, width), LANE - 4);
      context.save();
      context.beginPath();
      context.rect(left, 0, width, LANE);
      context.clip();
      context.fillStyle = colour(own ? "--paper" : "--ink");
      context.fillText(titleOf(other), Math.max(0, left) + 5, LANE / 2);
      context.restore();
    }
  }
}
