// Light, dark, or as the system has it.

const KEY = "wakustore-theme";

function stored() {
  try {
    return localStorage.getItem(KEY) ?? "auto";
  } catch {
    return "auto";
  }
}

function choose(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
  }
}

/** Takes up the choice that was made last, and follows those that are made. */
export function start() {
  choose(stored());
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.addEventListener("click", () => {
      const theme = button.dataset.themeChoice;
      choose(theme);
      try {
        localStorage.setItem(KEY, theme);
      } catch {
        // It holds for as long as the page is open.
      }
    });
  }
}
