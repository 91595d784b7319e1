// Where somebody without a mouse is.
//
// A swap may take away what has the focus; then what stands around it gets it, so that Tab goes on from there instead
// of from the top. And CSS cannot say that a frame has the focus (`:focus` does not match a sandboxed one): a class does.

function idsAround(element) {
  const ids = [];
  for (let at = element; at && at !== document.body; at = at.parentElement) if (at.id) ids.push(at.id);
  return ids;
}

export function keepFocus() {
  let ids = [];
  document.addEventListener("htmx:before:swap", () => (ids = idsAround(document.activeElement)));
  document.addEventListener("htmx:after:swap", () => {
    if (document.activeElement !== document.body) return;
    const place = ids.map((id) => document.getElementById(id)).find(Boolean);
    if (!place) return;
    if (place.tabIndex < 0) place.tabIndex = -1;
    place.focus({ preventScroll: true });
  });
}

export function showFocusedFrames() {
  let frame;
  const mark = () => {
    frame?.classList.remove("lb-focused");
    frame = document.activeElement?.matches("iframe") ? document.activeElement : null;
    frame?.classList.add("lb-focused");
  };
  for (const moment of ["blur", "focus"]) window.addEventListener(moment, () => setTimeout(mark));
}
