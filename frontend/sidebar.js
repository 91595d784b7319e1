// The sidebar on narrow screens. Without scripts the links #sidebar and #main open and close it by :target.

export function openSidebar() {
  const sidebar = document.getElementById("sidebar");
  const opener = document.querySelector("[data-sidebar=open]");
  const closer = document.querySelector("[data-sidebar=close]");
  if (!sidebar || !opener) return;

  const setOpen = (open) => {
    sidebar.classList.toggle("sidebar-open", open);
    opener.setAttribute("aria-expanded", String(open));
    (open ? closer : opener).focus();
  };
  const on = (element, open) =>
    element.addEventListener("click", (event) => {
      event.preventDefault();
      setOpen(open);
    });
  on(opener, true);
  on(closer, false);
  opener.setAttribute("role", "button");
  opener.setAttribute("aria-expanded", "false");
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && sidebar.classList.contains("sidebar-open")) setOpen(false);
  });
  document.addEventListener("click", (event) => {
    const inside = sidebar.contains(event.target) || opener.contains(event.target);
    if (!inside && sidebar.classList.contains("sidebar-open")) setOpen(false);
  });
}
