// SPDX-License-Identifier: Apache-2.0
// Light, dark, or what the system says. Kept in this browser only.
export type Theme = "system" | "light" | "dark";
const kKey = "valetkey.theme";

export function readTheme(): Theme {
  try {
    const kept = localStorage.getItem(kKey);
    return kept === "light" || kept === "dark" ? kept : "system";
  } catch {
    return "system"; // storage is forbidden in this browser
  }
}

export function applyTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

export function keepTheme(theme: Theme): void {
  applyTheme(theme);
  try {
    if (theme === "system") localStorage.removeItem(kKey);
    else localStorage.setItem(kKey, theme);
  } catch {
    // It then lasts as long as the page.
  }
}
