"use strict";
for (const steps of document.querySelectorAll(".steps")) {
  const slides = [...steps.querySelectorAll(".slide")];
  if (slides.length < 2) continue;
  const noun = steps.dataset.noun.replace(/s$/, "");
  const make = (name, settings) => Object.assign(document.createElement(name), settings);
  const before = make("button", { type: "button", textContent: "Previous" });
  const after = make("button", { type: "button", textContent: "Next" });
  const slider = make("input", { type: "range", min: 1, max: slides.length, value: 1 });
  const said = make("output", {});
  slider.setAttribute("aria-label", "Which " + noun + " is shown");
  said.setAttribute("aria-live", "polite");
  const controls = make("div", { className: "controls" });
  controls.append(before, slider, after, said);
  const show = (number) => {
    const at = (number + slides.length) % slides.length;
    slides.forEach((slide, n) => slide.classList.toggle("shown", n === at));
    slider.value = at + 1;
    said.textContent = noun + " " + (at + 1) + " of " + slides.length + " shown";
    slider.setAttribute("aria-valuetext", said.textContent);
  };
  before.addEventListener("click", () => show(Number(slider.value) - 2));
  after.addEventListener("click", () => show(Number(slider.value)));
  slider.addEventListener("input", () => show(Number(slider.value) - 1));
  steps.classList.add("live");
  steps.before(controls);
  show(0);
}
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
