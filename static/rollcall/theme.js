// Light, dark, or as the system says. A classic script in the head, so that no page flashes in the wrong theme.
(() => {
  const root = document.documentElement;
  const NAMES = { system: "as the system", light: "light", dark: "dark" };

  function read() {
    try {
      const theme = localStorage.getItem("theme");
      return theme in NAMES ? theme : "system";
    } catch {
      return "system"; // storage may be forbidden
    }
  }

  function keep(theme) {
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // then the choice lasts as long as the page
    }
  }

  function set(theme) {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    const menu = document.getElementById("theme");
    if (!menu) return;
    const button = menu.querySelector("summary");
    button.title = `Theme: ${NAMES[theme]}`;
    button.setAttribute("aria-label", button.title);
    for (const choice of menu.querySelectorAll("input")) choice.checked = choice.value === theme;
  }

  set(read());
  addEventListener("storage", () => set(read()));
  addEventListener("DOMContentLoaded", () => {
    set(read());
    document.getElementById("theme")?.addEventListener("change", (event) => {
      keep(event.target.value);
      set(event.target.value);
    });
  });
})();
