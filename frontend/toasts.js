// Toasts: flashed messages leave by themselves, unless someone is reading or can still undo.

const READING_MS = 7000;
const UNDO_MS = 20000;

export function timeToasts(root) {
  for (const toast of root.querySelectorAll("[data-toast]")) time(toast);
}

function time(toast) {
  toast.querySelector("[data-dismiss]")?.addEventListener("click", () => toast.remove());
  if (toast.dataset.toast === "danger") return; // an error stays until it is read
  const wait = toast.dataset.toast === "undo" ? UNDO_MS : READING_MS;
  let timer;
  const start = () => (timer = setTimeout(() => toast.remove(), wait));
  const stop = () => clearTimeout(timer);
  for (const name of ["mouseenter", "focusin"]) toast.addEventListener(name, stop);
  for (const name of ["mouseleave", "focusout"]) toast.addEventListener(name, start);
  start();
}

// `detail`: {text, kind = "success" | "info" | "warning" | "danger" | "undo", undo = URL of a POST}
export function showToast({ text, kind = "info", undo }) {
  const toast = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  toast.dataset.toast = undo ? "undo" : kind;
  toast.querySelector("[data-toast-text]").textContent = text;
  const form = toast.querySelector("form");
  if (undo) form.action = undo;
  else form.remove();
  document.getElementById("toasts").append(toast);
  time(toast);
}
