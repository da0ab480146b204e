// The audio of a span of film, and what is drawn of its waveform.

export class Player {
  constructor(onTime) {
    this.audio = new Audio();
    this.audio.preload = "auto";
    this.onTime = onTime;
    this.from = 0; // film time of the first sample
    this.stopAt = Infinity;
    this.samples = null; // Int16Array
    this.rate = 1;
    this.audio.addEventListener("play", () => this.follow());
    this.audio.addEventListener("pause", () => onTime(this.time, false));
  }

  get time() {
    return this.from + this.audio.currentTime;
  }

  get playing() {
    return !this.audio.paused && !this.audio.ended;
  }

  /** Loads a span; resolves to whether it is still the one that is wanted. */
  async load(address, from) {
    this.pause();
    this.from = from;
    this.samples = null;
    this.address = address;
    this.audio.src = address;
    const answer = await fetch(address);
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error ?? "no audio");
    const samples = readWav(await answer.arrayBuffer());
    if (this.address !== address) return false;
    Object.assign(this, samples);
    return true;
  }

  async play(start, end) {
    this.stopAt = end;
    this.audio.currentTime = Math.max(0, start - this.from);
    await this.audio.play().catch(() => {}); // a pause while it begins
  }

  pause() {
    this.audio.pause();
  }

  seek(time) {
    this.stopAt = Infinity;
    this.audio.currentTime = Math.max(0, time - this.from);
    this.onTime(time, this.playing);
  }

  follow() {
    if (!this.playing) return;
    if (this.time >= this.stopAt) this.pause();
    else {
      this.onTime(this.time, true);
      requestAnimationFrame(() => this.follow());
    }
  }
}

function readWav(buffer) {
  const view = new DataView(buffer);
  const rate = view.getUint32(24, true);
  let place = 12;
  while (place + 8 <= view.byteLength && view.getUint32(place, false) !== 0x64617461) {
    place += 8 + view.getUint32(place + 4, true); // chunks before "data"
  }
  const count = Math.floor(Math.min(view.getUint32(place + 4, true), view.byteLength - place - 8) / 2);
  return { rate, samples: new Int16Array(buffer.slice(place + 8, place + 8 + 2 * count)) };
}

/** The lowest and highest sample of each of `columns` equal parts, in [-1, 1], as pairs. */
export function peaks(samples, columns) {
  const found = new Float32Array(2 * columns);
  for (let column = 0; column < columns; column += 1) {
    const from = Math.floor((column * samples.length) / columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * samples.length) / columns));
    let low = 0;
    let high = 0;
    for (let place = from; place < to && place < samples.length; place += 1) {
      if (samples[place] < low) low = samples[place];
      if (samples[place] > high) high = samples[place];
    }
    found[2 * column] = low / 32768;
    found[2 * column + 1] = high / 32768;
  }
  return found;
}
