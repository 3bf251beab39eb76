// Conveniences that every page works without: theme switch, copy buttons, navigation on narrow screens, local times,
// menus that close, tables that open by a click and walk by the arrow keys, columns to choose, dialogs, live jobs.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripted");

  const kept = {
    get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
    set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window */ } },
  };
  const THEME_KEY = "assize-theme";
  const themeNow = () => root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const theme = kept.get(THEME_KEY);
  if ((theme === "light" || theme === "dark") && !root.dataset.theme) root.dataset.theme = theme;

  const toast = (text) => {
    let box = document.querySelector(".toast");
    if (!box) {
      box = document.createElement("div");
      box.className = "toast";
      box.setAttribute("role", "status");
      document.body.append(box);
    }
    box.hidden = false;
    box.textContent = text;
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => { box.hidden = true; }, 2500);
  };

  const themes = () => {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      const label = () => { button.textContent = themeNow() === "dark" ? "Light theme" : "Dark theme"; };
      label();
      button.hidden = false;
      button.addEventListener("click", () => {
        root.dataset.theme = themeNow() === "dark" ? "light" : "dark";
        kept.set(THEME_KEY, root.dataset.theme);
        label();
      });
    }
  };

  const copies = (scope) => {
    if (!navigator.clipboard) return;
    for (const block of scope.querySelectorAll(".code:not(.copies)")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button quiet copy small";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(block.querySelector("pre").textContent);
        toast("Copied");
      });
      block.classList.add("copies");
      block.append(button);
    }
  };

  const times = (scope) => {
    for (const time of scope.querySelectorAll("time[datetime]")) {
      const moment = new Date(time.dateTime);
      if (!Number.isNaN(moment.valueOf())) time.title = moment.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
    }
  };

  // The table's columns by name, each of which may be folded away; the choice is the reader's own and stays here.
  const columns = (scope) => {
    for (const table of scope.querySelectorAll("table[data-columns]")) {
      const menu = document.querySelector(`[data-columns-of="${table.dataset.columns}"]`);
      if (!menu) continue;
      const key = `assize-columns-${table.dataset.columns}`;
      const hidden = new Set(JSON.parse(kept.get(key) ?? "[]"));
      const heads = [...table.querySelectorAll("thead th")];
      const apply = () => {
        for (const row of table.rows) [...row.cells].forEach((cell, index) => { cell.hidden = hidden.has(heads[index]?.textContent); });
      };
      apply();
      const sheet = menu.querySelector(".menu-sheet");
      if (sheet.childElementCount === 0) {
        heads.slice(1).filter((head) => head.textContent && !head.querySelector(".hidden-visually")).forEach((head) => {
          const label = document.createElement("label");
          const box = document.createElement("input");
          box.type = "checkbox";
          box.checked = !hidden.has(head.textContent);
          box.addEventListener("change", () => {
            if (box.checked) hidden.delete(head.textContent); else hidden.add(head.textContent);
            kept.set(key, JSON.stringify([...hidden]));
            apply();
          });
          label.append(box, ` ${head.textContent}`);
          sheet.append(label);
        });
      }
      menu.hidden = false;
    }
  };

  // Arrow keys walk from row to row, Enter opens: it is the link in the row's head.
  const walk = (event) => {
    const row = event.target.closest?.("tr[data-href]");
    if (!row || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    const next = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
    const link = next?.querySelector("th a");
    if (link) { event.preventDefault(); link.focus(); }
  };

  const clicks = (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens)?.showModal();
    const teller = event.target.closest("[data-toast]");
    if (teller) toast(teller.dataset.toast);
    const row = event.target.closest("tr[data-href]");
    if (row && !event.target.closest("a, button, input, select, label, summary, details") && String(getSelection()) === "") {
      location.assign(row.dataset.href);
    }
  };

  const keys = (event) => {
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
    } else if (event.key === "/" && !event.target.closest("input, textarea, select")) {
      const search = document.getElementById("search");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    }
    walk(event);
  };

  // Rows that change are replaced in place, so that nothing jumps; new ones are announced and shown when asked for.
  const live = () => {
    const table = document.querySelector("[data-live]");
    if (!table || !window.EventSource) return;
    const source = new EventSource(table.dataset.live);
    const state = document.querySelector("[data-live-state]");
    const more = document.querySelector("[data-live-more]");
    const say = (words) => { if (state) state.textContent = words; };
    const unseen = new Set();
    source.addEventListener("open", () => say("Live"));
    source.addEventListener("error", () => say(source.readyState === EventSource.CLOSED ? "Not live: load the page again" : "Connecting again…"));
    source.addEventListener("job", (event) => {
      const { id, html, ended, revision } = JSON.parse(event.data);
      const old = document.getElementById(id);
      if (!old) {
        // Ids sort by time: one that sorts before the first row stands on another page.
        if (!more || !("liveGrows" in table.dataset) || id <= (table.querySelector("tbody tr")?.id ?? "")) return;
        unseen.add(id);
        more.hidden = false;
        more.textContent = unseen.size === 1 ? "1 new job: show" : `${unseen.size} new jobs: show`;
        return;
      }
      if (old.dataset.revision !== revision) {
        const held = old.contains(document.activeElement) ? document.activeElement.dataset.keep : null;
        const fresh = document.createElement("template");
        fresh.innerHTML = html;
        old.replaceWith(fresh.content.firstElementChild);
        times(document.getElementById(id));
        columns(document);
        if (held) document.getElementById(id).querySelector(`[data-keep="${held}"]`)?.focus();
      }
      if (ended && "liveOnce" in table.dataset) {
        source.close();
        // What can be done now is another thing: the buttons are those of a new page.
        if (old.dataset.revision !== revision) location.replace(location.pathname);
      }
    });
    more?.addEventListener("click", () => location.assign(location.pathname));
    addEventListener("pagehide", () => source.close());
  };

  const renew = (scope) => { copies(scope); times(scope); columns(scope); };

  const start = () => {
    themes();
    for (const button of document.querySelectorAll("[data-scripted]")) button.hidden = false;
    renew(document);
    live();
    for (const toggle of document.querySelectorAll(".shell-toggle")) {
      const nav = document.querySelector(".shell-nav");
      toggle.addEventListener("click", () => toggle.setAttribute("aria-expanded", String(nav.classList.toggle("open"))));
    }
    for (const choice of document.querySelectorAll(".switch select")) choice.addEventListener("change", () => choice.form.requestSubmit());
    document.addEventListener("click", clicks);
    document.addEventListener("keydown", keys);
    document.addEventListener("htmx:load", (event) => renew(event.target.parentNode ?? document));
    document.querySelector("[data-focus]")?.focus();
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
