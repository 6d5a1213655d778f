/*
 * Light or dark: as the system is set, or as the user chose.
 */

export type Theme = "system" | "light" | "dark";

const KEY = "theme";
const THEMES: readonly Theme[] = ["system", "light", "dark"];

/** Drawings on a canvas must read their colours again. */
export const THEME_EVENT = "themechange";

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event(THEME_EVENT)));

export function savedTheme(): Theme {
  try {
    const saved = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === saved) ?? "system";
  } catch {
    return "system"; // a browser without storage
  }
}

export function applyTheme(theme: Theme): void {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // The choice lasts for this visit.
  }
  dispatchEvent(new Event(THEME_EVENT));
}

/** The one after it. */
export function nextTheme(theme: Theme): Theme {
  return THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
}

/** A colour of the style sheet, as it is now. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
