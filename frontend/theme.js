// Sets light or dark before the first paint. Loaded as a blocking script; app.js has the switch.

import { applyTheme } from "./theme-choice.js";

document.documentElement.classList.add("js");
applyTheme();
