// The words behind a number's name (.lb-term) go with Escape and come back when it is looked at again (WCAG 1.4.13).
// In a table, which scrolls by itself and would cut them off, they stand above it.

export function quietTerms() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll(".lb-term:is(:hover, :focus)").forEach((term) => term.classList.add("lb-quiet"));
  });
  for (const type of ["pointerout", "focusout"]) {
    document.addEventListener(type, (event) => event.target.closest?.(".lb-term")?.classList.remove("lb-quiet"));
  }
  for (const type of ["pointerover", "focusin"]) {
    document.addEventListener(type, (event) => lift(event.target.closest?.("th .lb-term")));
  }
  document.addEventListener("scroll", () => lift(document.querySelector("th .lb-term:is(:hover, :focus)")), true);
}

function lift(term) {
  if (!term) return;
  const words = term.querySelector(".lb-term-text");
  const name = term.getBoundingClientRect();
  words.style.position = "fixed";
  words.style.top = `${name.bottom + 4}px`;
  words.style.left = `${Math.max(8, Math.min(name.left, document.documentElement.clientWidth - words.offsetWidth - 8))}px`;
}
