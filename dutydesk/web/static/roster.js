// The month table for those who plan it: moving by arrow keys, choosing in a dialog, dragging a name onto another day.
// Everything is a plain link or form of its own page; here the same pages are shown in a dialog, and each answer redraws
// the table.
const live = () => document.getElementById("month-live");
const grid = () => live().querySelector("[data-grid]");
const dialog = document.getElementById("chooser-dialog");
const said = document.getElementById("grid-said");

const turns = () => [...grid().querySelectorAll("[data-turn]")];
const cellOf = (turn) => turn.closest("td");
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

function say(text) {
  said.textContent = "";
  requestAnimationFrame(() => { said.textContent = text; });
}

/* ---- One stop for the Tab key; arrows move between cells, and between the shifts that stand in one cell ---- */

function stop(turn) {
  for (const one of turns()) one.tabIndex = one === turn ? 0 : -1;
}

function go(turn) {
  if (!turn) return;
  stop(turn);
  turn.focus();
  turn.scrollIntoView({ block: "nearest", inline: "nearest" });
}

const within = (cell) => [...cell?.querySelectorAll("[data-turn]") ?? []];

function sideways(turn, step) {
  const at = within(cellOf(turn)).indexOf(turn);
  let cell = cellOf(turn);
  do cell = step > 0 ? cell.nextElementSibling : cell.previousElementSibling;
  while (cell && !within(cell).length);
  const found = within(cell);
  return found[Math.min(at, found.length - 1)];
}

function upright(turn, step, rows = 1) {
  const cell = cellOf(turn);
  const inside = within(cell);
  const next = inside[inside.indexOf(turn) + step];
  if (next && rows === 1) return next;
  const column = cell.cellIndex;
  let row = cell.parentElement;
  let found;
  for (let left = rows; left > 0;) {
    row = step > 0 ? row.nextElementSibling : row.previousElementSibling;
    if (!row) break;
    const here = within(row.cells[column]);
    if (!here.length) continue;
    found = step > 0 ? here[0] : here.at(-1);
    left -= 1;
  }
  return found;
}

function edge(turn, last, whole) {
  const all = whole ? turns() : [...cellOf(turn).parentElement.querySelectorAll("[data-turn]")];
  return last ? all.at(-1) : all[0];
}

const MOVES = {
  ArrowLeft: (turn) => sideways(turn, -1),
  ArrowRight: (turn) => sideways(turn, 1),
  ArrowUp: (turn) => upright(turn, -1),
  ArrowDown: (turn) => upright(turn, 1),
  PageUp: (turn) => upright(turn, -1, 7),
  PageDown: (turn) => upright(turn, 1, 7),
  Home: (turn, whole) => edge(turn, false, whole),
  End: (turn, whole) => edge(turn, true, whole),
};

function pressed(event) {
  const turn = event.target.closest("[data-turn]");
  if (!turn || event.altKey || event.metaKey || event.shiftKey) return;
  const move = MOVES[event.key];
  if (move) {
    event.preventDefault();
    go(move(turn, event.ctrlKey));
    return;
  }
  if (event.ctrlKey) return;
  const key = event.key.toLowerCase();
  if (key !== "delete" && key !== "l") return;
  event.preventDefault();
  if (!turn.dataset.turn) {
    if (!turn.dataset.hole) say(grid().dataset.fixed);
  } else if (key === "delete") {
    from = place(turn);
    openForm(`/rosters/shifts/${turn.dataset.turn}/remove`);
  } else {
    lock(turn);
  }
}

/* ---- The dialog: the page of a form, without the page around it ---- */

const parse = (text) => new DOMParser().parseFromString(text, "text/html");

async function ask(address, options) {
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin", ...options });
    return { url: answer.url, page: parse(await answer.text()) };
  } catch {
    say(grid().dataset.failed);
    return undefined;
  }
}

function show(found) {
  const act = found.page.querySelector("[data-act]");
  if (!act) {
    // Signed out, refused, or gone: its own page says which.
    const refused = found.page.querySelector("main");
    if (!refused || new URL(found.url).pathname.startsWith("/signin")) return location.assign(found.url);
    dialog.replaceChildren(...refused.cloneNode(true).childNodes);
  } else {
    const form = document.importNode(act, true);
    // What is typed here is not kept for the page of the same address.
    for (const one of form.querySelectorAll("[data-once]")) one.removeAttribute("data-once");
    dialog.replaceChildren(form);
    dialog.dataset.address = found.url;
  }
  if (!dialog.open) dialog.showModal();
  const wanted = ["[aria-invalid=true]", "input:checked", "[data-first]:not(:disabled)", "[autofocus]",
    "input:not([type=hidden]):not(:disabled)", "a, button"];
  const first = wanted.map((one) => dialog.querySelector(one)).find(Boolean);
  first?.focus();
  return undefined;
}

async function openForm(address) {
  const found = await ask(address);
  if (found) show(found);
}

/* ---- Each answer redraws the table; the focus stays in its cell ---- */

function redraw(page, where, announce) {
  const fresh = page.getElementById("month-live");
  if (!fresh?.querySelector("[data-grid]")) return false;
  const scrolled = live().querySelector(".month-scroll").scrollLeft;
  live().replaceWith(document.importNode(fresh, true));
  live().querySelector(".month-scroll").scrollLeft = scrolled;
  begin();
  const cell = where && grid().querySelector(`[data-cell="${where.cell}"]`);
  const turn = within(cell)[where?.at ?? 0] ?? within(cell)[0];
  if (turn) {
    go(turn);
    if (announce) say(announce(turn));
  }
  return true;
}

const place = (turn) => ({ cell: cellOf(turn).dataset.cell, at: Math.max(0, within(cellOf(turn)).indexOf(turn)) });

function named(turn) {
  const cell = cellOf(turn);
  const head = grid().tHead.rows[0].cells[cell.cellIndex].textContent.trim();
  const day = cell.parentElement.cells[0].textContent.replace(/\s+/g, " ").trim();
  return fill(grid().dataset.changed, { where: `${day} ${head}`, what: turn.textContent.replace(/\s+/g, " ").trim() });
}

let from;

async function send(form, submitter) {
  const address = form.getAttribute("action") ? form.action : dialog.dataset.address;
  const body = new URLSearchParams(new FormData(form, submitter));
  if (form.method === "get") return openForm(`${address.split("?")[0]}?${body}`);
  const found = await ask(address, { method: "POST", body });
  if (!found) return undefined;
  if (redraw(found.page, from, named)) dialog.close();
  else show(found);
  return undefined;
}

async function lock(turn) {
  from = place(turn);
  const locked = turn.dataset.locked === "yes" ? "no" : "yes";
  const found = await ask(`/rosters/shifts/${turn.dataset.turn}/lock`, {
    method: "POST", body: new URLSearchParams({ locked }),
  });
  if (!found) return;
  const word = locked === "yes" ? grid().dataset.locked : grid().dataset.unlocked;
  if (!redraw(found.page, from, () => word)) show(found);
}

dialog.addEventListener("submit", (event) => {
  event.preventDefault();
  send(event.target, event.submitter);
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog || event.target.closest("[data-close]")) {
    event.preventDefault();
    dialog.close();
  } else if (event.target.closest("a[data-inside]")) {
    event.preventDefault();
    openForm(event.target.closest("a").href);
  }
});
dialog.addEventListener("close", () => {
  dialog.replaceChildren();
  const cell = from && grid().querySelector(`[data-cell="${from.cell}"]`);
  within(cell)[from?.at ?? 0]?.focus();
});

/* ---- Dragging a name onto another cell of the same seat ---- */

let dragged;

const aim = (event) => {
  const target = event.target.closest?.("[data-turn]");
  const open = target && (target.dataset.turn || target.dataset.hole);
  return dragged && open && target !== dragged && target.dataset.seat === dragged.dataset.seat ? target : undefined;
};

function unaim() {
  for (const one of grid().querySelectorAll(".target")) one.classList.remove("target");
}

function drags(table) {
  table.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-turn]:not([data-turn=''])") ?? undefined;
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.textContent.trim());
    dragged.classList.add("dragged");
  });
  table.addEventListener("dragover", (event) => {
    unaim();
    const target = aim(event);
    if (!target) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    target.classList.add("target");
  });
  table.addEventListener("drop", (event) => {
    const target = aim(event);
    if (!target) return;
    event.preventDefault();
    from = place(target);
    const to = target.dataset.turn || target.dataset.hole;
    openForm(`/rosters/shifts/${dragged.dataset.turn}/move?${new URLSearchParams({ to })}`);
  });
  table.addEventListener("dragend", () => {
    dragged?.classList.remove("dragged");
    dragged = undefined;
    unaim();
  });
}

/* ---- Begin, and again after each redrawing ---- */

function begin() {
  const table = grid();
  if (!table) return;
  const all = turns();
  stop(all.find((one) => one.closest(".today")) ?? all[0]);
  table.addEventListener("keydown", pressed);
  table.addEventListener("focusin", (event) => {
    const turn = event.target.closest("[data-turn]");
    if (turn) stop(turn);
  });
  table.addEventListener("click", (event) => {
    const turn = event.target.closest("a[data-turn]");
    // With a key held down a link opens as links do; what is over has a page, and no form.
    if (!turn || event.ctrlKey || event.metaKey || event.shiftKey || !(turn.dataset.turn || turn.dataset.hole)) return;
    event.preventDefault();
    from = place(turn);
    openForm(turn.href);
  });
  drags(table);
}
begin();
