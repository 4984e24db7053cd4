// What is being typed outlives a reload, a sign-in that ended and a call that comes in between. Phone calls keep their
// own drafts (phone.js); this is for every other form.
const root = document.documentElement;
const PREFIX = `dutydesk.form.${root.dataset.account}.`;
const SENT = `${PREFIX}sent`;

const place = (form) => {
  const to = new URL(form.action, location.href);
  return PREFIX + to.pathname + to.search;
};
// Never a password, and a file cannot be given back.
const keepable = (one) => one.name && !["password", "file", "submit", "button", "reset"].includes(one.type) && one.tagName !== "FIELDSET";
const fieldsOf = (form) => [...form.elements].filter(keepable);
const isTick = (one) => one.type === "checkbox" || one.type === "radio";
const valueOf = (one) => isTick(one) ? one.checked : one.value;
const asDrawn = (one) => isTick(one) ? one.defaultChecked
  : one.tagName === "SELECT" ? ([...one.options].find((option) => option.defaultSelected) ?? one.options[0])?.value ?? ""
  : one.defaultValue;

function read(at) {
  try { return JSON.parse(sessionStorage.getItem(at)); } catch { return null; }
}

function drop(at) {
  try { sessionStorage.removeItem(at); } catch { /* a browser that keeps nothing has nothing to drop */ }
}

function put(at, what) {
  try { sessionStorage.setItem(at, JSON.stringify(what)); } catch { /* as above */ }
}

/* ---- Which forms were changed since they were drawn ---- */

const changed = new Set();

function keep(form, all = false) {
  const found = [];
  let typed = all;
  fieldsOf(form).forEach((one, at) => {
    const hidden = one.type === "hidden";
    const differs = !hidden && valueOf(one) !== asDrawn(one);
    typed ||= differs;
    // The hidden fields say which version of things the person had in mind, and which intention this is.
    if (all || hidden || differs) found.push([at, one.name, valueOf(one)]);
  });
  if (typed) put(place(form), found);
  else drop(place(form));
}

function noteChange(event) {
  const form = event.target.form;
  // A form that keeps itself is no reason to stay.
  if (!form || form.matches("[data-kept]")) return;
  changed.add(form);
  if (form.matches("[data-once]")) keep(form);
}
for (const kind of ["input", "change"]) document.addEventListener(kind, noteChange);

function restore(form) {
  const found = read(place(form));
  if (!Array.isArray(found)) return;
  const fields = fieldsOf(form);
  const lost = found.filter(([at, name, value]) => fields[at]?.name === name && valueOf(fields[at]) !== value
    && (fields[at].type === "hidden" || valueOf(fields[at]) === asDrawn(fields[at]))); // not typed before this script came
  if (lost.every(([at]) => fields[at].type === "hidden")) return;
  for (const [at, , value] of lost) {
    if (isTick(fields[at])) fields[at].checked = value;
    else fields[at].value = value;
  }
  const said = document.getElementById("kept")?.content.cloneNode(true);
  if (said) form.prepend(said);
  form.dispatchEvent(new Event("input", { bubbles: true })); // a preview follows
  changed.add(form);
}

document.addEventListener("reset", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  drop(place(form));
  changed.delete(form);
  location.reload();
});

/* ---- Sent: dropped when the next page says that it was taken ---- */

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented) return;
  changed.delete(form);
  if (form.matches("[data-once]")) put(SENT, { at: place(form), from: location.href.split("#")[0] });
});

function begin() {
  const sent = read(SENT);
  drop(SENT);
  const here = performance.getEntriesByType("navigation")[0];
  // Is this page the answer? After an error page without the form, only when it is asked for again.
  const answered = sent && (sent.again ? here?.type === "reload" : document.referrer === sent.from);
  const forms = [...document.querySelectorAll("form[data-once]")];
  const mine = answered ? forms.find((form) => place(form) === sent.at) : undefined;
  // A browser that does not tell: nothing typed may be lost.
  const refused = answered && (here?.responseStatus === undefined ? Boolean(mine) : here.responseStatus >= 400);
  if (mine && refused) {
    changed.add(mine);
    keep(mine, true); // as the server gave it back, with what it says to that
  } else if (refused) {
    put(SENT, { ...sent, again: true });
  } else if (answered) {
    drop(sent.at);
  }
  for (const form of forms) if (form !== mine) restore(form);
}
// After the other scripts of the page: they listen for what is restored.
if (document.readyState === "complete") begin();
else document.addEventListener("DOMContentLoaded", begin);

/* ---- A key named on a link opens it from anywhere, also while somebody types: then beside what is being typed ---- */

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.repeat) return;
  const link = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!link) return;
  event.preventDefault();
  const typing = [...changed].some((form) => form.isConnected);
  if (typing) window.open(link.href, "_blank", "noopener");
  else link.click();
});
