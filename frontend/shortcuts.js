// Keyboard shortcuts: any element with data-shortcut="g c" (a link, button or field) is pressed or focused by its keys.
// The dialog under "?" lists them and can switch them off (WCAG 2.2, 2.1.4).

const KEY = "letterbond.shortcuts";
const SEQUENCE_MS = 1000;

let typed = "";
let timer;

function enabled() {
  return localStorage.getItem(KEY) !== "off";
}

function isTyping(element) {
  return element.isContentEditable || /^(input|textarea|select)$/i.test(element.tagName);
}

function visible(element) {
  return element.getClientRects().length > 0;
}

function targets() {
  return [...document.querySelectorAll("[data-shortcut]")];
}

function press(element) {
  if (isTyping(element)) element.focus();
  else element.click();
}

function remember(key) {
  typed = `${typed} ${key}`.trim();
  clearTimeout(timer);
  timer = setTimeout(() => (typed = ""), SEQUENCE_MS);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.composedPath()[0])) return;
  if (!enabled() || document.querySelector("dialog[open], .modal.show")) return;
  remember(event.key);
  if (event.key === "?") return open();
  const keys = [typed, event.key];
  const element = targets().find((one) => keys.includes(one.dataset.shortcut) && (visible(one) || one.href));
  if (!element) return;
  typed = "";
  event.preventDefault();
  press(element);
}

function row(keys, words) {
  const line = document.createElement("div");
  const term = document.createElement("dt");
  const meaning = document.createElement("dd");
  for (const key of keys.split(" ")) {
    const cap = document.createElement("kbd");
    cap.textContent = key;
    term.append(cap, " ");
  }
  meaning.textContent = words;
  line.append(term, meaning);
  return line;
}

function open() {
  const dialog = document.getElementById("shortcuts");
  if (!dialog) return;
  const rows = new Map();
  for (const element of targets()) {
    const words = element.dataset.shortcutLabel ?? element.getAttribute("aria-label") ?? element.textContent.trim();
    rows.set(element.dataset.shortcut, words);
  }
  dialog.querySelector("dl").replaceChildren(...[...rows].map(([keys, words]) => row(keys, words)));
  dialog.querySelector("input").checked = enabled();
  dialog.showModal();
}

export function listenForShortcuts() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-open-shortcuts]")) open();
  });
  document.querySelector("#shortcuts input")?.addEventListener("change", ({ target }) => {
    localStorage.setItem(KEY, target.checked ? "on" : "off");
  });
}
