// Conveniences that every page works without: theme switch, copy buttons, navigation on narrow screens, local times.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripted");

  const THEME_KEY = "assize-theme";
  const remember = (theme) => { try { localStorage.setItem(THEME_KEY, theme); } catch { /* private window */ } };
  const remembered = () => { try { return localStorage.getItem(THEME_KEY); } catch { return null; } };
  const themeNow = () => root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const theme = remembered();
  if ((theme === "light" || theme === "dark") && !root.dataset.theme) root.dataset.theme = theme;

  const start = () => {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      const label = () => { button.textContent = themeNow() === "dark" ? "Light theme" : "Dark theme"; };
      label();
      button.hidden = false;
      button.addEventListener("click", () => {
        root.dataset.theme = themeNow() === "dark" ? "light" : "dark";
        remember(root.dataset.theme);
        label();
      });
    }
    if (navigator.clipboard) {
      for (const block of document.querySelectorAll(".code")) {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "button quiet copy small";
        button.textContent = "Copy";
        button.addEventListener("click", async () => {
          await navigator.clipboard.writeText(block.querySelector("pre").textContent);
          button.textContent = "Copied";
          setTimeout(() => { button.textContent = "Copy"; }, 2000);
        });
        block.classList.add("copies");
        block.append(button);
      }
    }
    for (const time of document.querySelectorAll("time[datetime]")) {
      const moment = new Date(time.dateTime);
      if (!Number.isNaN(moment.valueOf())) time.title = moment.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
    }
    for (const toggle of document.querySelectorAll(".shell-toggle")) {
      const nav = toggle.closest(".shell-nav");
      toggle.addEventListener("click", () => {
        toggle.setAttribute("aria-expanded", String(nav.classList.toggle("open")));
      });
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
