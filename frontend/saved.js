// "Saving…", "Saved 12:03", "Not saved" for forms with data-autosave="#id-of-the-indicator".

import { language, text } from "./texts.js";

function indicatorOf(event) {
  const form = event.target.closest?.("[data-autosave]");
  return form && document.querySelector(form.dataset.autosave);
}

function show(event, words, state) {
  const indicator = indicatorOf(event);
  if (!indicator) return;
  indicator.textContent = words;
  indicator.dataset.state = state;
}

// <form data-refreshes="#id-of-an-iframe">: what is framed shows what was saved.
function refreshFrame(event) {
  const form = event.target.closest?.("[data-refreshes]");
  const frame = form && document.querySelector(form.dataset.refreshes);
  if (frame) frame.setAttribute("src", frame.getAttribute("src"));
}

export function showSaving() {
  document.addEventListener("htmx:before:request", (event) => show(event, text("saving"), "saving"));
  document.addEventListener("htmx:after:request", (event) => {
    const ok = event.detail.ctx.response.status < 400;
    const time = new Date().toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    if (ok) show(event, text("saved", { time }), "saved");
    if (ok) refreshFrame(event);
    else show(event, text("not_saved"), "failed");
  });
  document.addEventListener("htmx:error", (event) => show(event, text("not_saved"), "failed"));
}
