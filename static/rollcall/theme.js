// Light, dark, or as the system says. A classic script in the head, so that no page flashes in the wrong theme.
(() => {
  const root = document.documentElement;
  const NEXT = { system: "light", light: "dark", dark: "system" };

  function read() {
    try {
      return localStorage.getItem("theme") ?? "system";
    } catch {
      return "system"; // storage may be forbidden
    }
  }

  function set(theme) {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    document.getElementById("theme")?.setAttribute("aria-label", `Theme: ${theme}. Switch to ${NEXT[theme]}`);
  }

  function next() {
    const theme = NEXT[read()] ?? "light";
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // then the choice lasts as long as the page
    }
    set(theme);
  }

  const known = (theme) => (theme in NEXT ? theme : "system");
  set(known(read()));
  addEventListener("storage", () => set(known(read())));
  addEventListener("DOMContentLoaded", () => {
    set(known(read()));
    document.getElementById("theme")?.addEventListener("click", next);
  });
})();
