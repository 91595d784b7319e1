// The words behind a number's name (.lb-term) go with Escape and come back when it is looked at again (WCAG 1.4.13).

export function quietTerms() {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll(".lb-term:is(:hover, :focus)").forEach((term) => term.classList.add("lb-quiet"));
  });
  for (const type of ["pointerout", "focusout"]) {
    document.addEventListener(type, (event) => event.target.closest?.(".lb-term")?.classList.remove("lb-quiet"));
  }
}
