// The box of a hit, drawn over its player as it plays.
(() => {
  for (const video of document.querySelectorAll("video[data-boxes]")) {
    const boxes = JSON.parse(video.dataset.boxes);
    const mark = document.createElement("i");
    video.parentElement.append(mark);
    const draw = () => {
      let [, left, top, width, height] = boxes[0];
      for (const [time, ...box] of boxes) if (time <= video.currentTime + 0.02) [left, top, width, height] = box;
      Object.assign(mark.style, {
        left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * width}%`, height: `${100 * height}%`,
      });
    };
    draw();
    for (const event of ["timeupdate", "seeked", "loadeddata"]) video.addEventListener(event, draw);
    const follow = () => { draw(); if (!video.paused) requestAnimationFrame(follow); };
    video.addEventListener("play", follow);
  }
})();
