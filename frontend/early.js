// What somebody chose before the scripts were there, or the browser put back after a reload: nobody listened then.

export function tellEarlyChanges() {
  for (const control of document.querySelectorAll("[hx-trigger='change']")) {
    if (isChanged(control)) control.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

function isChanged(control) {
  if (control instanceof HTMLSelectElement && !control.multiple) {
    const first = [...control.options].findIndex((option) => option.defaultSelected);
    return control.selectedIndex !== Math.max(first, 0);
  }
  return control instanceof HTMLInputElement && control.checked !== control.defaultChecked;
}
