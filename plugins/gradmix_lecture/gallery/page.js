"use strict";
// The slider: position 0 is the whole picture; every further position is a frame. Arrow keys move it; the button plays it.
(() => {
  const frames = JSON.parse(document.getElementById("frames").textContent);
  const picture = document.getElementById("picture");
  const slider = document.getElementById("frame");
  const label = document.getElementById("label");
  const button = document.getElementById("play");
  const whole = picture.src;
  let playing = null;

  function show(place) {
    slider.value = place;
    picture.src = place ? frames[place - 1].image : whole;
    label.textContent = place ? frames[place - 1].label : "overview";
  }

  function stop() {
    clearInterval(playing);
    playing = null;
    button.textContent = "▶";
    button.setAttribute("aria-label", "play");
  }

  function play() {
    if (Number(slider.value) === frames.length) show(0);
    button.textContent = "❚❚";
    button.setAttribute("aria-label", "pause");
    playing = setInterval(() => {
      show(Number(slider.value) + 1);
      if (Number(slider.value) === frames.length) stop();
    }, 900);
  }

  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  button.addEventListener("click", () => (playing ? stop() : play()));
  document.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || event.target === slider) return;
    stop();
    show(Math.min(Math.max(Number(slider.value) + step, 0), frames.length));
  });
  document.querySelector(".slider").hidden = false;
})();
