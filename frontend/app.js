// The script of every marketer's page. Pages work without it; it makes them quicker and kinder.

import "htmx.org/dist/htmx.esm.js";
import "htmx.org/dist/ext/hx-alpine-compat.js";
import "@tabler/core/dist/js/tabler.esm.js";
import Alpine from "@alpinejs/csp";

import { announceProgress, announce } from "./announce.js";
import { copy, dropzone, theme } from "./components.js";
import { tellEarlyChanges } from "./early.js";
import { keepFocus, showFocusedFrames } from "./focus.js";
import { showSaving } from "./saved.js";
import { listenForShortcuts } from "./shortcuts.js";
import { openSidebar } from "./sidebar.js";
import { followSystemTheme } from "./theme-choice.js";
import { quietTerms } from "./terms.js";
import { showToast, timeToasts } from "./toasts.js";

window.Alpine = Alpine;
Alpine.data("copy", copy);
Alpine.data("dropzone", dropzone);
Alpine.data("theme", theme);
Alpine.start();

followSystemTheme();
keepFocus();
listenForShortcuts();
openSidebar();
quietTerms();
showFocusedFrames();
showSaving();
timeToasts(document);

// The server says these with an HX-Trigger header: {"toast": {"text": "…", "kind": "success"}}.
document.addEventListener("toast", ({ detail }) => showToast(detail));
document.addEventListener("announce", ({ detail }) => announce(detail.text));
document.addEventListener("htmx:after:swap", () => announceProgress(document));
// Once htmx listens.
setTimeout(tellEarlyChanges);
