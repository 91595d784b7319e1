// The reader's choice of theme: "light", "dark" or "auto" (what the system says).

const KEY = "letterbond.theme";
const systemDark = window.matchMedia("(prefers-color-scheme: dark)");

export function chosenTheme() {
  try {
    return localStorage.getItem(KEY) ?? "auto";
  } catch {
    return "auto"; // storage can be switched off
  }
}

export function applyTheme(choice = chosenTheme()) {
  const dark = choice === "dark" || (choice === "auto" && systemDark.matches);
  document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
}

export function chooseTheme(choice) {
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // the choice then lasts for this page only
  }
  applyTheme(choice);
}

export function followSystemTheme() {
  systemDark.addEventListener("change", () => applyTheme());
}
