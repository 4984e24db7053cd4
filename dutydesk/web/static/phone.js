// The phone log without a mouse: keeps every keystroke (here at once, on the server a moment later), looks up who is
// calling, shows how a time is read and which known incident this may be, and saves without losing what was typed.
const form = document.getElementById("phone");
const names = JSON.parse(form.dataset.names);
const words = form.dataset;
const PREFIX = `dutydesk.phone.${form.dataset.account}.`;
const WEEK = 7 * 24 * 3600 * 1000;
// Enter asks for what happened first: meanwhile the number has told who calls, or the form comes back to that at the end.
const MORE = { incident: ["occurred", "place"], report: ["incident"] };
const order = () => ["number", "what", "kind", ...(MORE[value("kind")] ?? []), "unit", "person"];
const NEEDED = { call: ["what"], incident: ["what", "occurred", "place"], report: ["what", "incident"] };

const field = (name) => form.elements.namedItem(name);
const value = (name) => (field(name)?.value ?? "").trim();
const key = () => field("key").value;
const byId = (id) => document.getElementById(id);

/* ---- What stands in the form ---- */

function read() {
  const data = new FormData(form);
  return Object.fromEntries(names.map((name) => [name, String(data.get(name) ?? "")]));
}

function write(fields) {
  for (const [name, text] of Object.entries(fields)) {
    const one = field(name);
    if (!one || !names.includes(name)) continue;
    if (one.type === "checkbox") one.checked = Boolean(text);
    else one.value = text;
  }
  showKind();
}

const isTyped = (one) => one.type === "checkbox" || one.type === "radio"
  ? one.checked !== one.defaultChecked
  : one.type !== "hidden" && one.tagName !== "SELECT" && "defaultValue" in one && one.value !== one.defaultValue;

/* ---- Drafts: this browser at once, the server shortly after ---- */

let done = false; // saved or thrown away: nothing may bring it back
let waiting = 0;
let sending = false;
let again = false;

function stored(at) {
  try { return JSON.parse(localStorage.getItem(PREFIX + at)); } catch { return null; }
}

function drop(at) {
  try { localStorage.removeItem(PREFIX + at); } catch { /* a browser that keeps nothing has nothing to drop */ }
}

function changed() {
  if (done) return;
  field("rev").value = Number(field("rev").value) + 1;
  try {
    const copy = { rev: Number(field("rev").value), fields: read(), at: Date.now() };
    localStorage.setItem(PREFIX + key(), JSON.stringify(copy));
  } catch { /* the server's copy remains */ }
  // A reload opens this very form again, with the moment it was first opened at.
  history.replaceState(null, "", `/phone?draft=${encodeURIComponent(key())}`);
  clearTimeout(waiting);
  waiting = setTimeout(send, 400);
}

async function send() {
  clearTimeout(waiting);
  waiting = 0;
  if (done) return;
  if (sending) { again = true; return; }
  sending = true;
  const body = JSON.stringify({ key: key(), rev: Number(field("rev").value), fields: read() });
  try {
    const answer = await fetch("/drafts/phone", {
      method: "PUT", headers: { "Content-Type": "application/json" }, body, keepalive: body.length < 50_000,
    });
    if (!answer.ok) throw new Error(String(answer.status));
    tell(words.kept);
  } catch {
    if (!done) {
      tell(words.alone);
      waiting = setTimeout(send, 2000);
    }
  } finally {
    sending = false;
    if (again) { again = false; send(); }
  }
}

function tell(text) {
  byId("phone-kept").textContent = done ? "" : text;
}

async function fate(at) {
  const answer = await fetch(`/drafts/phone/${encodeURIComponent(at)}`, { cache: "no-store" });
  if (answer.status === 404) return "foreign"; // the server signs with another key than it did then
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).state;
}

// Copies of this account that the server never got (a crash within the first moment) come back; the others go.
async function recover(untouched) {
  let copies = [];
  try { copies = Object.keys(localStorage).filter((one) => one.startsWith(PREFIX)); } catch { return; }
  for (const name of copies) {
    const at = name.slice(PREFIX.length);
    const copy = stored(at);
    if (at === key()) continue;
    if (!copy || Date.now() - copy.at > WEEK) { drop(at); continue; }
    try {
      const state = await fate(at);
      if (state === "saved" || state === "abandoned") drop(at);
      else if (state === "unknown" && untouched && !dirty) {
        done = true;
        location.replace(`/phone?draft=${encodeURIComponent(at)}`);
        return;
      } else if (state === "foreign" && untouched && !dirty) {
        write(copy.fields); // into this form, whose moment is its own
        byId("restored").hidden = false;
        byId("abandon").elements.key.value = key();
        drop(at);
        changed();
        return;
      }
    } catch { /* asked again when the page is opened next */ }
  }
}

/* ---- Who is calling ---- */

const byHand = new Set();
const filled = new Set();
let dirty = false;
let asking = 0;
let looking = null;

function fill(name, text, always = false) {
  const one = field(name);
  if (!always && (byHand.has(name) || (one.value && !filled.has(name)))) return false;
  if (one.value === text) return false;
  one.value = text;
  one.classList.toggle("phone-filled", Boolean(text) && !always);
  if (text) filled.add(name); else filled.delete(name);
  return true;
}

async function look() {
  clearTimeout(asking);
  asking = 0;
  looking?.abort();
  looking = new AbortController();
  const asked = new URLSearchParams({ number: value("number"), unit: byHand.has("unit") || !filled.has("unit") ? value("unit") : "" });
  if (!value("number") && !value("unit")) return;
  try {
    const answer = await fetch(`/phone/caller?${asked}`, { cache: "no-store", signal: looking.signal });
    if (!answer.ok) return;
    byId("phone-caller").innerHTML = await answer.text();
  } catch { return; } // typed by hand, then
  const found = byId("phone-caller").querySelector("[data-fill]")?.dataset;
  if (!found) return;
  const fresh = ["person", "title", "unit"].map((name) => fill(name, found[name]));
  if (fresh.some(Boolean)) { changed(); checkSoon(); }
}

// A whole number is looked up at once, half a one after a pause.
const WHOLE = /^(\+?86)?(1\d{10}|0\d{9,11}|\d{8})$/;
function lookSoon() {
  clearTimeout(asking);
  asking = setTimeout(look, WHOLE.test(value("number").replace(/[\s-]/g, "")) ? 0 : 200);
}

function pick(button) {
  for (const name of ["person", "title", "unit", "number"]) {
    const text = button.dataset[name];
    if (name === "number" && value("number")) continue;
    if (text) fill(name, text, true);
  }
  changed();
  checkSoon();
  next("number");
}

/* ---- How it is understood, and what it may be ---- */

let checking = 0;
let checks = null;

function checkSoon() {
  clearTimeout(checking);
  checking = setTimeout(check, 350);
}

async function check() {
  const place = byId("phone-check");
  if (!["incident", "report"].includes(value("kind"))) { if (!place.contains(document.activeElement)) place.replaceChildren(); return; }
  checks?.abort();
  checks = new AbortController();
  let text;
  try {
    const answer = await fetch("/phone/check", { method: "POST", body: new URLSearchParams(new FormData(form)), signal: checks.signal });
    if (!answer.ok) return;
    text = await answer.text();
  } catch { return; }
  if (done || place.contains(document.activeElement)) return; // somebody is choosing there
  const chosen = value("decision");
  place.innerHTML = text;
  if (chosen) {
    const same = [...place.querySelectorAll("[name=decision]")].find((one) => one.value === chosen);
    if (same) same.checked = true;
  }
  field("seen").value = place.querySelector("[data-seen]")?.dataset.seen ?? "";
  const open = byId("phone-incidents");
  const list = field("incident");
  if (open && (document.activeElement !== list || !list.value)) {
    const before = list.value;
    list.innerHTML = open.innerHTML;
    if (before) list.value = before;
  }
}

/* ---- Keys ---- */

function showKind() {
  form.dataset.kind = value("kind") || "none";
}

const isEmpty = (name) => !value(name);
const lacking = () => value("kind") ? NEEDED[value("kind")].filter(isEmpty) : ["kind"];

function focus(name) {
  const one = field(name);
  const target = one instanceof RadioNodeList ? ([...one].find((radio) => radio.checked) ?? one[0]) : one;
  target?.focus();
  return target;
}

// To the next field that is still empty; a complete form is saved, an incomplete one waits at its button.
function next(name) {
  const following = order().slice(order().indexOf(name) + 1).find(isEmpty);
  const undecided = document.querySelector("[name=decision]");
  if (following) focus(following);
  else if (undecided && value("kind") === "incident" && !value("decision")) undecided.focus();
  else if (!lacking().length) save();
  else byId("phone-save").focus();
}

// The focus moves at once, whatever the line does: the next keystroke is on its way already.
function enter(target) {
  if (target.type === "radio" && !target.checked) {
    target.checked = true;
    target.dispatchEvent(new Event("input", { bubbles: true }));
  }
  next(target.name);
}

document.addEventListener("keydown", (event) => {
  // Whoever types before the form has the focus means the first field.
  const plain = event.key.length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey;
  if (plain && document.activeElement === document.body) field("number").focus();
});

form.addEventListener("keydown", (event) => {
  const target = event.target;
  if (event.isComposing || event.keyCode === 229) return; // an input method's own Enter
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    save();
  } else if (event.key === "Enter" && target.matches("input, select")) {
    event.preventDefault();
    if (!event.repeat) enter(target);
  } else if (target.name === "kind" && /^[1-3]$/.test(event.key)) {
    event.preventDefault();
    const radio = form.querySelector(`[data-digit="${event.key}"]`);
    radio.checked = true;
    radio.focus();
    radio.dispatchEvent(new Event("input", { bubbles: true }));
    focus(order().slice(order().indexOf("kind") + 1).find(isEmpty) ?? "") ?? byId("phone-save").focus();
  } else if (event.key === "ArrowDown" && ["number", "person"].includes(target.name)) {
    const first = document.querySelector("[data-caller]");
    if (first) { event.preventDefault(); first.focus(); }
  } else if (target.matches("[data-caller]") && ["ArrowDown", "ArrowUp", "Escape"].includes(event.key)) {
    event.preventDefault();
    const all = [...document.querySelectorAll("[data-caller]")];
    const to = all.indexOf(target) + (event.key === "ArrowDown" ? 1 : -1);
    if (event.key === "Escape" || to < 0) focus("number"); else all[Math.min(to, all.length - 1)].focus();
  }
});

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-caller]");
  if (button) pick(button);
});

form.addEventListener("input", (event) => {
  const name = event.target.name;
  dirty = true;
  if (!names.includes(name)) return;
  byHand.add(name);
  if (!value(name)) byHand.delete(name); // an emptied field may be filled again
  filled.delete(name);
  event.target.classList?.remove("phone-filled");
  if (name === "kind") { showKind(); check(); }
  changed();
  if (name === "number" || name === "unit") lookSoon();
  if (!["handling", "title", "kind"].includes(name)) checkSoon();
});
form.addEventListener("change", (event) => { if (event.target.name === "unit") look(); });

/* ---- Saving ---- */

let saving = false;

async function save() {
  if (saving || done) return;
  saving = true;
  clearTimeout(waiting);
  const button = byId("phone-save");
  button.disabled = true;
  try {
    const answer = await fetch("/phone", {
      method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "X-Live": "1" },
    });
    if (answer.status === 201) {
      done = true;
      drop(key());
      location.assign(answer.headers.get("Location"));
      return;
    }
    if (answer.status === 409 || answer.status === 422) swap(await answer.text());
    else tell(answer.status === 401 ? words.ended : words.failed);
  } catch {
    tell(words.failed);
  } finally {
    saving = false;
    if (!done) byId("phone-save").disabled = false;
  }
}

// The form as the server answers it, with what was typed while it answered.
function swap(text) {
  const answered = new DOMParser().parseFromString(text, "text/html").getElementById("phone");
  if (!answered) { tell(words.failed); return; }
  const typed = read();
  const [decision] = [typed.decision];
  delete typed.decision;
  form.innerHTML = answered.innerHTML;
  write(typed);
  for (const one of form.querySelectorAll("[name=decision]")) one.checked = one.checked || one.value === decision && decision !== "";
  changed();
  look();
  (form.querySelector("[aria-invalid=true]") ?? form.querySelector("[name=decision]") ?? byId("f-kind-call")).focus();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
byId("abandon").addEventListener("submit", () => {
  done = true;
  clearTimeout(waiting);
  byId("abandon").elements.key.value = key();
  drop(key());
});
window.addEventListener("pagehide", () => { if (waiting && !done) send(); });

/* ---- Begin: whatever was typed before this script came is kept like everything after it ---- */

const early = [...form.elements].filter(isTyped);
const copy = stored(key());
for (const one of form.querySelectorAll("input[type=text]")) if (one.value && one.name !== "at") byHand.add(one.name);
if (copy && copy.rev > Number(field("rev").value)) {
  const kept = { ...copy.fields };
  for (const one of early) delete kept[one.name];
  write(kept);
  field("rev").value = copy.rev;
  byId("restored").hidden = false;
  byId("abandon").elements.key.value = key();
  for (const [name, text] of Object.entries(kept)) if (text && name !== "at") byHand.add(name);
}
showKind();
if (early.length || copy) changed();
if (early.length || value("number") || value("unit")) look();
if (value("kind")) check();
recover(!early.length && !copy && byId("restored").hidden);
