// Everything the pages need beyond HTML and htmx: theme, palette, shortcuts, selection, dialogs, toasts,
// the state of the live connection. One listener each on the document, so that swapped content needs no setting up.
(() => {
  "use strict";
  const root = document.documentElement, $ = (s, e = document) => e.querySelector(s), $$ = (s, e = document) => [...e.querySelectorAll(s)];
  const on = (name, act, opts) => document.addEventListener(name, act, opts);
  const typing = (e) => e?.closest?.("input:not([type=checkbox],[type=radio],[type=range]),textarea,select,[contenteditable]");
  const say = (text, alarm) => { const e = $(alarm ? "#alarm" : "#announce"); if (e) { e.textContent = ""; setTimeout(() => (e.textContent = text), 50); } };
  const clicked = (selector, act) => on("click", (e) => { const t = e.target.closest?.(selector); if (t) act(t, e); });
  const mac = /mac|iphone|ipad/i.test(navigator.platform);

  // Theme. The form works without script; here it changes at once and is kept by the server.
  on("submit", (e) => {
    if (!e.target.matches("[data-theme-form]")) return;
    e.preventDefault(); e.stopImmediatePropagation();
    const form = e.target, theme = e.submitter?.value || "system", body = new URLSearchParams(new FormData(form));
    setTheme(theme); body.set("theme", theme);
    fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } });
  }, true);
  const setTheme = (theme) => {
    root.toggleAttribute("data-system", theme === "system");
    if (theme !== "system") root.dataset.theme = theme;
    $$("[data-theme-form] [name=theme]").forEach((b) => b.setAttribute("aria-pressed", String(b.value === theme)));
    dispatchEvent(new Event("mydia:theme"));
    $("meta[name=theme-color]")?.setAttribute("content", root.dataset.theme === "mydia-light" ? "#f8f6f3" : "#151311");
  };

  // Dialogs: what the server puts into #dialog is opened; focus goes back to where it came from.
  let opener = null, tray;
  // Behind an open dialog nothing can be pressed, so messages stand in it.
  const placeTray = () => { const home = $("#confirm[open]") || $("#dialog[open]") || document.body; tray ??= $("#toasts"); if (tray && tray.parentElement !== home) home.append(tray); };
  const openDialog = (dialog) => { if (!dialog.open) { opener = document.activeElement; dialog.showModal(); placeTray(); $("[autofocus],.overflow-y-auto :is(input:not([type=hidden]),select,textarea)", dialog)?.focus(); } };
  const closeDialog = (dialog) => { if (dialog?.open) dialog.close(); };
  on("close", (e) => {
    const back = opener; opener = null; placeTray();
    if (e.target.id === "dialog") {
      // Its stream would hold a connection until it next hears something.
      $$("[id^=live-]", e.target).forEach((one) => { one._htmx?.sse?.reader?.cancel(); one._htmx?.sse?.abortController?.abort(); });
      e.target.replaceChildren();
      const url = new URL(location); if (url.searchParams.has("dialog")) { url.searchParams.delete("dialog"); url.searchParams.delete("for"); history.replaceState(history.state, "", url); }
    }
    // What was there may have been drawn anew meanwhile.
    const href = back?.getAttribute("href"), home = back?.isConnected ? back : href && $$("#main a").find((a) => a.getAttribute("href") === href);
    (home || $("#main"))?.focus({ preventScroll: !home });
  }, true);
  clicked("[data-close]", (t) => { const d = t.closest("dialog"); d ? closeDialog(d) : history.back(); });
  on("mousedown", (e) => { if (e.target.matches?.("dialog.modal[open]")) closeDialog(e.target); });
  on("dialog-close", () => closeDialog($("#dialog")));

  // Confirmation: hx-confirm="sentence", with data-confirm-title, data-confirm-label and data-danger on the same element.
  on("htmx:confirm", (e) => {
    const { ctx, issueRequest, dropRequest } = e.detail, box = $("#confirm"), from = ctx.sourceElement;
    if (!box) return;
    e.preventDefault();
    $("#confirm-title").textContent = from.dataset.confirmTitle || "Are you sure about this?";
    $("[data-text]", box).textContent = ctx.confirm;
    const yes = $("[data-yes]", box);
    yes.textContent = from.dataset.confirmLabel || from.textContent.trim() || "Go on";
    yes.className = "btn " + ("danger" in from.dataset || from.classList.contains("btn-danger") ? "btn-danger" : "btn-primary");
    let said = false;
    yes.onclick = () => { said = true; box.close(); };
    $("[data-no]", box).onclick = () => box.close();
    box.onclose = () => (said ? issueRequest() : dropRequest());
    openDialog(box);
    $("[data-no]", box).focus();
  });

  // Toasts leave after five seconds, ten with an action, never while looked at; failures stay.
  const watchToast = (toast) => {
    const told = toast.dataset.tone;
    if (told === "fail") return say(toast.textContent, true);
    let timer; const span = $("[data-action]", toast) ? 10000 : 5000;
    const leave = () => { toast.classList.add("is-leaving"); setTimeout(() => toast.remove(), 200); };
    const start = () => (timer = setTimeout(leave, span)), stop = () => clearTimeout(timer);
    for (const n of ["mouseenter", "focusin"]) toast.addEventListener(n, stop);
    for (const n of ["mouseleave", "focusout"]) toast.addEventListener(n, start);
    start();
  };
  clicked("[data-dismiss]", (t) => t.closest(".toastbox")?.remove());
  clicked(".toastbox [data-action]", (t) => setTimeout(() => t.closest(".toastbox")?.remove(), 300));
  const showToast = ({ title = "", text = "", tone = "ok", action_label: label, action_href: href, action_posts: posts }) => {
    const box = $("#toast-template").content.firstElementChild.cloneNode(true);
    box.dataset.tone = tone;
    const mark = $("span", box); mark.className = `text-${tone}`;
    mark.replaceChildren(...$(`[data-tone=${tone}]`, $("#toast-icons").content).cloneNode(true).childNodes);
    $("p", box).textContent = title;
    if (text) { const p = document.createElement("p"); p.className = "text-ink-3 text-xs"; p.textContent = text; $("p", box).after(p); }
    if (label) {
      const a = document.createElement(posts ? "button" : "a"); a.className = "btn btn-ghost btn-sm"; a.textContent = label; a.dataset.action = "";
      if (posts) { a.type = "button"; a.setAttribute("hx-post", href); a.setAttribute("hx-swap", "none"); } else a.href = href;
      $("[data-dismiss]", box).before(a);
    }
    $("#toasts").append(box); htmx.process(box); box.dataset.seen = ""; watchToast(box);
  };
  on("toast", (e) => showToast(e.detail));

  // Selection lives here and not in the boxes: parts of a long grid come and go.
  const chosen = { ids: new Set(), all: false, except: new Set(), active: false, last: null };
  const boxes = () => $$("input[data-select]"), bar = () => $("#bulkbar");
  const isChosen = (id) => (chosen.all ? !chosen.except.has(id) : chosen.ids.has(id));
  const choose = (id, yes) => (chosen.all ? chosen.except[yes ? "delete" : "add"](id) : chosen.ids[yes ? "add" : "delete"](id));
  const drawSelection = () => {
    const b = bar(), total = +(b?.dataset.total || 0), number = chosen.all ? total - chosen.except.size : chosen.ids.size;
    for (const box of boxes()) {
      const yes = isChosen(box.value);
      box.checked = yes; box.closest(".pcard,tr,li")?.classList.toggle("is-selected", yes);
    }
    $$("input[data-select-all]").forEach((a) => { a.checked = number > 0 && number >= boxes().length; a.indeterminate = number > 0 && !a.checked; });
    document.body.classList.toggle("is-selecting", chosen.active || number > 0);
    document.body.classList.toggle("has-bulkbar", number > 0);
    $$("[data-select-toggle]").forEach((t) => t.setAttribute("aria-pressed", String(chosen.active || number > 0)));
    if (b) {
      b.hidden = number === 0;
      $("[data-selected-count]", b).textContent = `${number.toLocaleString("en")} selected`;
      const more = $("[data-select-filter]", b); if (more) more.hidden = chosen.all || number >= total;
    }
  };
  const clearSelection = () => { chosen.ids.clear(); chosen.except.clear(); chosen.all = chosen.active = false; chosen.last = null; drawSelection(); };
  clicked("input[data-select]", (box, e) => {
    const list = boxes(), at = list.indexOf(box), from = list.findIndex((b) => b.value === chosen.last);
    const range = e.shiftKey && from >= 0 ? list.slice(Math.min(at, from), Math.max(at, from) + 1) : [box];
    for (const b of range) choose(b.value, box.checked);
    chosen.last = box.value; drawSelection();
  });
  clicked("input[data-select-all]", (box) => { for (const b of boxes()) choose(b.value, box.checked); drawSelection(); });
  clicked("[data-select-toggle]", () => { if (chosen.active || chosen.ids.size) clearSelection(); else { chosen.active = true; drawSelection(); } });
  clicked("[data-select-filter]", () => { chosen.all = true; chosen.except.clear(); drawSelection(); });
  clicked("[data-select-clear]", clearSelection);
  on("click", (e) => {
    const link = e.target.closest?.(".pcard-title"); if (!link || !document.body.classList.contains("is-selecting") || e.ctrlKey || e.metaKey) return;
    const box = $("input[data-select]", link.closest(".pcard")); if (!box) return;
    e.preventDefault(); e.stopImmediatePropagation(); box.click();
  }, true);
  on("selection-clear", clearSelection);

  on("htmx:config:request", (e) => {
    const { ctx } = e.detail, from = ctx.sourceElement;
    if (!from.closest?.("#bulkbar,[data-with-selection]") || !ctx.request.body) return;
    const body = ctx.request.body;
    body.delete("ids");
    if (chosen.all) {
      body.set("scope", "filter"); body.set("except", [...chosen.except].join(","));
      for (const [k, v] of new URLSearchParams(location.search)) body.append(k, v);
    } else { body.set("scope", "ids"); body.set("ids", [...chosen.ids].join(",")); }
  });

  // A form is sent once.
  on("submit", (e) => {
    const form = e.target; if (form.method !== "post" || e.defaultPrevented) return;
    if (form.dataset.sent) { e.preventDefault(); e.stopImmediatePropagation(); return; }
    form.dataset.sent = "1"; e.submitter?.setAttribute("aria-busy", "true");
    const free = () => { delete form.dataset.sent; e.submitter?.removeAttribute("aria-busy"); };
    form.addEventListener("htmx:finally:request", free, { once: true }); setTimeout(free, 15000);
  }, true);
  addEventListener("pageshow", () => $$("form[data-sent]").forEach((f) => { delete f.dataset.sent; $$("[aria-busy]", f).forEach((b) => b.removeAttribute("aria-busy")); }));

  clicked("[data-reveal]", (t) => {
    const field = document.getElementById(t.dataset.reveal), show = field.type === "password";
    field.type = show ? "text" : "password"; t.setAttribute("aria-pressed", String(show));
  });
  clicked("[data-copy]", async (t) => { try { await navigator.clipboard.writeText(t.dataset.copy); say("Copied"); } catch { say("Copying is not allowed here", true); } });


  clicked("[data-toggle]", (t, e) => {
    e.preventDefault();
    const body = document.getElementById(t.dataset.toggle); if (!body) return;
    body.hidden = !body.hidden; t.setAttribute("aria-expanded", String(!body.hidden));
  });

  // Relative times stay true.
  const steps = [[60, 45, "min"], [3600, 3600, "h"], [86400, 86400, "day"]];
  const tell = (time) => {
    const s = (Date.now() - Date.parse(time.dateTime)) / 1000, d = Math.abs(s);
    if (d > 7 * 86400) return;
    const [unit, , word] = [...steps].reverse().find(([, from]) => d >= from) || [0];
    const n = unit && Math.max(1, Math.round(d / unit)), said = word === "day" && n !== 1 ? "days" : word;
    time.textContent = !unit ? (s >= 0 ? "just now" : "in a moment") : s >= 0 ? `${n} ${said} ago` : `in ${n} ${said}`;
  };
  setInterval(() => document.hidden || $$("time[data-relative]").forEach(tell), 30000);

  // The live connection.
  let lost = null, gone = null;
  const live = (state) => {
    if (root.dataset.live === state) return;
    root.dataset.live = state;
    $$("[data-live-mark]").forEach((m) => (m.textContent = state === "lost" ? "Reconnecting" : "Live"));
    if (state === "lost") say("Connection lost. Reconnecting.", true);
  };
  const up = () => { clearTimeout(lost); clearTimeout(gone); lost = gone = null; live("on"); };
  const down = () => { lost ??= setTimeout(() => live("lost"), 5000); };
  on("htmx:sse:after:connection", up);
  on("htmx:sse:before:connection", (e) => { if (e.detail.connection.attempt > 0 && !document.hidden) down(); });
  on("htmx:sse:error", (e) => { if (e.detail.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`); else down(); });
  on("session-ended", () => location.assign("/login"));
  // The extension comes back to a stream that broke off, but not to one that never stood.
  on("htmx:finally:request", (e) => {
    const from = e.detail.ctx?.sourceElement;
    if (!from?.id?.startsWith("live-") || from._htmx?.sse) return;
    down(); setTimeout(() => from.isConnected && !from._htmx?.sse && htmx.process(from, true), 2000);
  });
  // What the stream says has changed is read anew: at once, then as seldom as data-reread-ms says, never twice at a time. That is kept
  // here and not in hx-trigger, for htmx forgets what waits when an answer changes the element.
  const reading = {}, heard = new Set();
  const reread = (id) => {
    const one = (reading[id] ??= {}), from = document.getElementById(id), now = Date.now();
    if (one.rests || now - (one.busy || 0) < 60000) { one.again = true; return; }
    one.again = false;
    if (!from?.dataset.reread) return;
    one.busy = now; one.rests = true;
    setTimeout(() => { one.rests = false; if (one.again) reread(id); }, +from.dataset.rereadMs || 1000);
    htmx.trigger(from, "reread");
  };
  const listen = (e) => e.dataset.reread.split(" ").forEach((name) => {
    if (!heard.has(name)) { heard.add(name); on(name, () => $$(`[data-reread~="${name}"]`).forEach((one) => reread(one.id))); }
  });
  const address = (url) => { const u = new URL(url, location); return u.pathname + u.search; };
  htmx.registerExtension("reread", {
    // Failed: what is shown stays, and it is tried again. Late: what asked is gone, or shows something else by now.
    htmx_config_request: (from, { ctx }) => { if (from.dataset?.reread) ctx.request.headers["HX-Reread"] = "true"; },
    htmx_after_request: (from, { ctx }) => {
      if (!from.dataset?.reread) return;
      if (ctx.response.status >= 500) { setTimeout(() => reread(from.id), 3000); return false; }
      if (!from.isConnected || address(from.getAttribute("hx-get")) !== address(ctx.request.action)) return false;
    },
    htmx_finally_request: (from) => {
      const one = from.dataset?.reread && reading[from.id];
      if (one) { one.busy = 0; if (one.again) reread(from.id); }
    },
  });

  // After every swap.
  const settle = (scope = document) => {
    placeTray();
    $$("[data-reread]", scope).forEach(listen);
    $$("#toasts > :not([data-seen])").forEach((t) => { t.dataset.seen = ""; watchToast(t); });
    const dialog = $("#dialog"); if (dialog?.firstElementChild && !dialog.open) openDialog(dialog);
    $$("[data-some]").forEach((b) => (b.indeterminate = true));
    if (bar() || boxes().length) drawSelection();
  };
  let page = location.pathname;
  on("htmx:after:swap", (e) => {
    const { ctx } = e.detail;
    settle();
    if (ctx?.response?.status === 422) $("[aria-invalid=true]")?.focus();
    if (ctx?.target?.id === "main" && (location.pathname !== page || ctx.sourceElement?.closest?.("a"))) {
      if (location.pathname !== page) { page = location.pathname; clearSelection(); closeDialog($("#dialog")); }
      $$("[popover]").forEach((p) => p.matches(":popover-open") && p.hidePopover());
      closeDialog($("#palette"));
      $("#main").focus({ preventScroll: true }); say(ctx.title || document.title); // htmx sets the title after this event
    }
  });
  on("htmx:error", (e) => {
    const from = e.detail.ctx?.sourceElement;
    if (from?.id?.startsWith("live-")) down();
    else if (e.detail.error?.name === "AbortError") return;
    else if (from?.dataset?.reread) setTimeout(() => reread(from.id), 3000);
    else showToast({ title: "Mydia did not answer", text: "Check the connection and try again.", tone: "fail" });
  });

  // The palette.
  const palette = () => $("#palette"), options = () => $$("#palette-hits [role=option]");
  const openPalette = () => { const p = palette(); if (!p) return; openDialog(p); const f = $("input", p); f.select(); f.focus(); htmx.trigger(f, "open"); };
  const mark = (option) => { for (const o of options()) o.setAttribute("aria-selected", String(o === option)); option?.scrollIntoView({ block: "nearest" }); $("#palette input")?.setAttribute("aria-activedescendant", option?.id || ""); };
  clicked("[data-palette]", openPalette);
  clicked("#palette-hits button", () => closeDialog(palette()));
  on("htmx:after:swap", (e) => { if (e.detail.ctx?.target?.id === "palette-hits") mark(options()[0]); });
  on("keydown", (e) => {
    if (!e.target.closest?.("#palette")) return;
    const all = options(), at = all.findIndex((o) => o.getAttribute("aria-selected") === "true");
    if (e.key === "ArrowDown" || e.key === "ArrowUp") { e.preventDefault(); mark(all[(at + (e.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]); }
    else if (e.key === "Enter" && all[at]) { e.preventDefault(); if ((e.ctrlKey || e.metaKey) && all[at].href) open(all[at].href); else { closeDialog(palette()); all[at].click(); } }
  });

  // Shortcuts: the global ones stand here; a page's own are data-key on what they press, with data-key-label for the sheet.
  const goto = Object.fromEntries($$("#nav a").map((a) => [a.getAttribute("href"), a]));
  const letters = { h: "/", m: "/movies", s: "/shows", c: "/calendar", w: "/wanted", a: "/activity", i: "/imports", y: "/system", ",": "/settings" };
  let prefix = 0;
  const cycle = () => { const now = root.dataset.theme === "mydia-light" ? "mydia-dark" : "mydia-light"; const form = $("[data-theme-form]"); form?.requestSubmit($(`[value=${now}]`, form)); };
  const sheet = () => {
    const rows = [[mac ? "⌘ K" : "Ctrl K", "Search or jump to"], ["?", "This list"], ["t", "Switch theme"], ["Esc", "Close, clear the selection"],
      ...Object.entries(letters).filter(([, href]) => goto[href]).map(([k, href]) => [`g ${k}`, goto[href].querySelector("span").textContent]),
      ...$$("[data-key],[data-focus-key]").filter((e) => e.dataset.keyLabel || e.getAttribute("aria-label") || e.textContent.trim()).map((e) => [e.dataset.key || e.dataset.focusKey, e.dataset.keyLabel || e.getAttribute("aria-label") || e.textContent.trim()])];
    const dialog = $("#dialog"), box = $("#sheet-template").content.firstElementChild.cloneNode(true), list = $("dl", box), [dt, dd] = list.children;
    list.replaceChildren();
    for (const [k, label] of rows) { $("kbd", dt).textContent = k; dd.textContent = label; list.append(dt.cloneNode(true), dd.cloneNode(true)); }
    dialog.replaceChildren(box); openDialog(dialog);
  };
  clicked("[data-shortcuts]", sheet);
  const move = (e) => {
    const card = e.target.closest?.(".pcard"), row = e.target.closest?.("[data-rows] tr");
    if (card) {
      const all = $$(".pcard-title", card.closest("[data-grid]") || document), at = all.indexOf($(".pcard-title", card));
      const by = { ArrowLeft: -1, ArrowRight: 1 }[e.key], way = { ArrowUp: -1, ArrowDown: 1 }[e.key];
      let next = all[at + by];
      if (way) {
        const here = all[at].getBoundingClientRect(); let best = Infinity;
        for (const a of all) {
          const r = a.getBoundingClientRect(), down = way * (r.top - here.top), far = down * 100 + Math.abs(r.left - here.left);
          if (down > 4 && far < best) { best = far; next = a; }
        }
      }
      next?.focus(); return !!next;
    }
    if (row && "jk".includes(e.key)) {
      const rows = $$("tbody tr", row.closest("table")), next = rows[rows.indexOf(row) + (e.key === "j" ? 1 : -1)];
      const focusable = next && $("a,button,input", next); focusable?.focus(); return !!focusable;
    }
    if ("jk".includes(e.key) && e.key.length === 1) { const first = $("[data-rows] tbody tr :is(a,button,input)"); first?.focus(); return !!first; }
    return false;
  };
  on("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") { e.preventDefault(); palette()?.open ? closeDialog(palette()) : openPalette(); return; }
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "s") { const b = $("[data-dirty-of]:not([hidden])"); if (b) { e.preventDefault(); $("[type=submit]", b).click(); } return; }
    if (e.key === "Escape" && !$("dialog[open],:popover-open") && (chosen.ids.size || chosen.all || chosen.active)) { clearSelection(); return; }
    if (typing(e.target) || e.altKey || $("dialog[open]:not(#dialog)")) return;
    if ((e.ctrlKey || e.metaKey) && e.key === "a" && document.body.classList.contains("is-selecting")) { e.preventDefault(); for (const b of boxes()) choose(b.value, true); drawSelection(); return; }
    if (e.ctrlKey || e.metaKey) return;
    if (Date.now() - prefix < 1500) { prefix = 0; const link = goto[letters[e.key]] && $(`#nav a[href="${letters[e.key]}"]`); if (link) { e.preventDefault(); link.click(); } return; }
    const pressed = $(`[data-key="${CSS.escape(e.key)}"]`, $("#dialog[open]") || document);
    if (pressed) { e.preventDefault(); pressed.click(); pressed.focus?.(); return; }
    const dialog = $("#dialog[open]"), releases = dialog ? $$("[data-release]", dialog) : [];
    if (releases.length) {
      const here = e.target.closest?.("[data-release]"), at = releases.indexOf(here);
      if (e.key === "ArrowDown" || e.key === "ArrowUp") { e.preventDefault(); const next = releases[Math.max(0, Math.min(releases.length - 1, at + (e.key === "ArrowDown" ? 1 : -1)))]; next.focus(); next.scrollIntoView({ block: "nearest" }); }
      else if (here && e.target === here && e.key === "Enter") { e.preventDefault(); $("[data-grab]", here)?.click(); }
      else if (here && e.target === here && e.key === " ") { e.preventDefault(); const why = $("[data-why]", here); if (why) why.open = !why.open; }
    }
    const inside = dialog && $(`[data-focus-key="${CSS.escape(e.key)}"]`, dialog);
    if (inside) { e.preventDefault(); inside.focus(); inside.select?.(); }
    if (dialog) return;
    const field = $(`[data-focus-key="${CSS.escape(e.key)}"]`);
    if (field) { e.preventDefault(); field.focus(); field.select?.(); return; }
    if (e.key === "g") prefix = Date.now();
    else if (e.key === "?") sheet();
    else if (e.key === "t") cycle();
    else if (e.key === "x") { const box = $("input[data-select]", e.target.closest?.(".pcard,tr") || document.createElement("i")); if (box) { e.preventDefault(); box.click(); } }
    else if (move(e)) e.preventDefault();
  });

  // An address that names a field leads into it.
  const aim = () => { const field = location.hash.length > 1 && document.getElementById(location.hash.slice(1)); if (field && typing(field)) field.focus(); };
  addEventListener("hashchange", aim);
  on("DOMContentLoaded", () => { aim(); navigator.serviceWorker?.register("/sw.js").catch(() => {}); if (mac) $$("[data-mod-k]").forEach((k) => (k.textContent = "⌘K")); settle(); });
})();
