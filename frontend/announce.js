// Says things to screen readers through the one live region of the page.

export function announce(words) {
  const region = document.getElementById("announcer");
  if (!region) return;
  region.textContent = "";
  // The same words twice are only read again when the region was empty in between.
  setTimeout(() => (region.textContent = words), 50);
}

const spoken = new Map();

// A polled progress bar would talk all the time: only the quarters are said.
export function announceProgress(root) {
  for (const bar of root.querySelectorAll("[role=progressbar][data-announce]")) {
    const value = Number(bar.getAttribute("aria-valuenow"));
    const quarter = Math.floor((value / Number(bar.getAttribute("aria-valuemax"))) * 4);
    const before = spoken.get(bar.id);
    spoken.set(bar.id, quarter);
    if (before !== undefined && quarter > before) announce(bar.getAttribute("aria-valuetext"));
  }
}
