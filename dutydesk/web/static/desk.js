// Keeps a page alive: clocks that run, content that follows the server, a siren that rings until somebody confirms, and
// a loud word when the line is cut. Plain EventSource (line.js) and fetch, so that a line that died silently is noticed too.
import { openLine } from "./line.js";

const root = document.documentElement;
const speed = Number(root.dataset.speed) || 1;
const clockFormat = new Intl.DateTimeFormat(root.lang, {
  timeZone: root.dataset.zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const NEAR = 300; // seconds, for a clock that does not say when it is near its end
const STALE = 15_000; // what no commit announces (a change of shift) is fetched this often
const RETRY = 2_000;
const LATE = 20_000; // no drawing takes as long; another is begun
const APART = 1_500; // between two fetches of a page's regions, however many commits there are
const DRIFT = 2_000; // milliseconds between this machine's clock and the site's

const element = (id) => document.getElementById(id);
const board = element("board"); // the board or the wall screen; other pages fetch what they show
const view = board?.dataset.view ?? "ring";
// Only the desk and the wall ring: a leader's phone is no siren.
const rings = Boolean(element("sound")) || view === "wall";

/* ---- Time: the site's clock as the server last told it, kept running here ---- */

let known = { site: Number(root.dataset.now), at: performance.now() };
const siteNow = () => known.site + (performance.now() - known.at) * speed;

// As dutydesk/web/words.py has it; the page brings the words, in its language.
const fill = (text, values) => text.replace(/\{([a-z]+)\}/g, (_, name) => values[name]);
const words = root.dataset;

function span(seconds) {
  const whole = Math.floor(seconds);
  const [days, hours] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24];
  const [minutes, rest] = [Math.floor(whole / 60) % 60, whole % 60];
  const two = (value) => String(value).padStart(2, "0");
  if (days) return fill(words.days, { days, hours });
  if (hours) return fill(words.hours, { hours, minutes: two(minutes) });
  return minutes ? fill(words.minutes, { minutes, seconds: two(rest) }) : fill(words.seconds, { seconds: rest });
}

function write(target, text) {
  if (target && target.textContent !== text) target.textContent = text;
}

// As dutydesk/desk/points.py has it: the ladder's own points.
function stateOf(clock, now) {
  const due = Number(clock.due);
  if (now > due) return clock.raised && now >= Number(clock.raised) ? "raised" : "over";
  return now >= (clock.near ? Number(clock.near) : due - NEAR * 1000) ? "near" : "left";
}

function tick() {
  const now = siteNow();
  for (const id of ["clock", "wall-clock"]) write(element(id), clockFormat.format(now));
  for (const count of document.querySelectorAll("[data-due]")) {
    const seconds = (Number(count.dataset.due) - now) / 1000;
    const state = stateOf(count.dataset, now);
    if (count.dataset.state !== state) count.dataset.state = state;
    write(count.querySelector(".count-label"), seconds < 0 ? words.over : words.left);
    write(count.querySelector(".count-text"), span(Math.abs(seconds)));
  }
}

// The desk reads times off this machine too: a clock that is wrong is said. A demonstration's may run faster.
function showDrift() {
  const line = element("drift");
  if (!line || speed !== 1) return;
  const ahead = Date.now() - siteNow();
  line.hidden = Math.abs(ahead) <= DRIFT;
  if (!line.hidden) write(line, fill(ahead > 0 ? line.dataset.fast : line.dataset.slow, { span: span(Math.abs(ahead) / 1000) }));
}

/* ---- The line ---- */

const broken = new Set(); // of "stream", "content" and "ended"

function hear(name, data) {
  if (name === "release") {
    if (board && board.dataset.release !== data) outdated = true;
    missed = true; // a stream begins: who knows what happened before
    return;
  }
  const said = JSON.parse(data);
  known = { site: said.now, at: performance.now() };
  for (const what of ["stream", "ended"]) if (mend(what)) missed = true;
  if (name === "board") inTurn(() => apply(said));
  else if (name === "ring") refreshSoon();
  else {
    const behind = () => !mending && ((said.at && said.at !== have()) || broken.has("content"));
    if (board && behind()) inTurn(() => (behind() ? fetchBoard() : null));
    reportDrawn();
    showDrift();
    if (!board && (missed || soon || performance.now() - fetchedAt > STALE)) refreshSoon();
    startAnew();
  }
}

function fault(what) {
  broken.add(what);
  showLine();
}

function mend(what) {
  const was = broken.delete(what);
  if (was) showLine();
  return was;
}

function showLine() {
  root.dataset.line = broken.size ? "lost" : "up";
  element("lost").hidden = !broken.size || broken.has("ended");
  element("ended").hidden = !broken.has("ended");
  showSiren();
}

/* ---- A newer release: a page that stays open for months loads itself anew when nothing rings ---- */

let outdated = false;
function startAnew() {
  if (outdated && !shownAlerts().length && !broken.size) location.reload();
}

/* ---- The board: the stream brings the regions that changed ---- */

const have = () => board?.querySelector("[data-at]")?.dataset.at ?? "";
let turn = Promise.resolve();

// One change after the other: a morph that overtakes another would leave an old region behind.
function inTurn(work) {
  turn = turn.then(() => inTime(work())).then(settled).catch(failed);
}

// What hangs must not keep the next one waiting.
function inTime(work) {
  let timer = 0;
  const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error("late")), LATE); });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function apply(said) {
  if (!board || said.at === have()) return;
  // Something in between was missed: get the whole.
  if (said.from && said.from !== have()) return fetchBoard();
  const list = element("r-incidents");
  const wanted = new Set(said.order.map((id) => `r-incident-${id}`));
  for (const old of [...list.children]) if (!wanted.has(old.id)) old.remove();
  said.order.forEach((id, place) => {
    let box = element(`r-incident-${id}`);
    if (!box) {
      box = document.createElement("div");
      box.id = `r-incident-${id}`;
      box.dataset.incident = id;
    }
    if (list.children[place] !== box) list.insertBefore(box, list.children[place] ?? null);
  });
  for (const [name, text] of Object.entries(said.regions)) await morph(element(`r-${name}`), text);
  board.querySelector("[data-at]").dataset.at = said.at;
  mend("content");
}

async function fetchBoard() {
  await morph(board, await textOf(board.dataset.full));
  mend("content");
}

// A morph leaves alone what did not change: a button under a finger, the focus, the selection.
async function morph(region, text) {
  if (!region) return;
  if (window.htmx) await window.htmx.swap({ sourceElement: region, target: region, text, swap: "innerMorph" });
  else region.innerHTML = text;
}

function settled() {
  fetchedAt = performance.now();
  tick();
  showSiren();
  reportDrawn();
}

/* ---- Other pages: fetched again when something happened ---- */

let fetching = false;
let again = false;
let fetchedAt = performance.now();
let begunAt = -Infinity;
let missed = false;
let soon = 0;

// At once, and again a moment later when more happened meanwhile; the last one is never left out.
function refreshSoon() {
  const wait = onlyAlarms() ? 0 : begunAt + APART - performance.now();
  if (wait <= 0) refresh();
  else soon ||= setTimeout(refresh, wait);
}

const onlyAlarms = () => !document.querySelector("[data-live]:not(#alarms)");

async function refresh() {
  clearTimeout(soon);
  soon = 0;
  again = true;
  if (fetching) return;
  fetching = true;
  try {
    while (again) {
      again = false;
      missed = false;
      begunAt = performance.now();
      for (const region of document.querySelectorAll("[data-live]")) await inTime(draw(region));
    }
    mend("content");
  } catch {
    failed();
  } finally {
    fetching = false;
  }
  settled();
}

async function draw(region) {
  await morph(region, await textOf(region.dataset.live));
}

// Tried again soon, by one attempt at a time; a page that is signed out waits for that instead.
let mending = 0;

function failed() {
  if (broken.has("ended")) return;
  fault("content");
  mending ||= setTimeout(() => {
    mending = 0;
    if (board) inTurn(fetchBoard);
    else refresh();
  }, RETRY);
}

async function textOf(address) {
  const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(8000) });
  if (answer.status === 401) line.signedOut();
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

/* ---- Alarms ---- */

const reported = new Set();
const shownAlerts = () => [...document.querySelectorAll("[data-alert]")].map((one) => Number(one.dataset.alert));

async function reportDrawn() {
  if (!element("sound")) return; // only the desk's own screens count
  const sound = soundIsOn();
  const shown = shownAlerts();
  const fresh = shown.filter((id) => !reported.has(`${id} ${sound}`));
  if (reported.size > 1000) reported.clear();
  if (!fresh.length) return;
  for (const id of fresh) reported.add(`${id} ${sound}`);
  const body = JSON.stringify({ alerts: fresh, sound });
  try {
    const answer = await fetch("/desk/drawn", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (!answer.ok) throw new Error(String(answer.status));
  } catch {
    for (const id of fresh) reported.delete(`${id} ${sound}`); // said again with the next beat
  }
}

const plainTitle = document.title;
let audio = null;
let voice = null;
let loudness = null;
const soundIsOn = () => audio?.state === "running";

// A browser lets a page sound only after a gesture on it: the button is the plain way, any click or key will do.
function wantSound() {
  if (!rings || soundIsOn()) return;
  if (!audio) {
    audio = new AudioContext();
    voice = new OscillatorNode(audio, { type: "square", frequency: 880 });
    loudness = new GainNode(audio, { gain: 0 });
    voice.connect(loudness).connect(audio.destination);
    voice.start();
    audio.onstatechange = () => { showSiren(); reportDrawn(); };
  }
  audio.resume().then(() => { showSiren(); reportDrawn(); }, () => {});
}

function showSiren() {
  const count = shownAlerts().length;
  const ringing = rings && (count > 0 || broken.size > 0);
  root.dataset.sound = soundIsOn() ? "on" : "off";
  root.dataset.siren = ringing ? (soundIsOn() ? "ringing" : "muted") : "silent";
  const mute = element("mute");
  if (mute) mute.hidden = soundIsOn();
  document.title = (count ? fill(words.alarmed, { count }) : "") + plainTitle;
  if (loudness) loudness.gain.value = root.dataset.siren === "ringing" ? 0.15 : 0;
}

let high = false;
function wail() {
  high = !high;
  if (root.dataset.siren === "ringing") voice.frequency.value = high ? 880 : 660;
}

/* ---- Forms (forms.js keeps what is typed into them) ---- */

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.matches("[data-quiet]")) {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: "POST", headers: { "X-Live": "1" } });
      if (answer.status === 401) line.signedOut();
      // Somebody else was faster, or it is settled: the page as it is now says so.
      else if (!answer.ok && answer.status !== 409 && answer.status !== 404) throw new Error(String(answer.status));
      if (board) inTurn(fetchBoard);
      else await refresh();
    } catch {
      failed();
    } finally {
      button.disabled = false;
    }
  } else if (form.matches("[data-once]") && broken.size) {
    event.preventDefault(); // what was typed stays here
    element(broken.has("ended") ? "ended" : "lost").scrollIntoView();
  } else if (form.matches("[data-once]")) {
    setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = true; });
  }
});

/* ---- Begin ---- */

window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
// Not on the press: the bar that then goes would move what is being pressed from under the finger.
for (const gesture of ["keydown", "click"]) document.addEventListener(gesture, wantSound, { capture: true });
root.dataset.line = "up";
wantSound();
showSiren();
tick();
showDrift();
const line = openLine({
  // Somebody else who signs in here is shown other things.
  name: `dutydesk ${view} ${root.lang} ${root.dataset.account}`,
  address: () => `/desk/events?view=${view}&have=${encodeURIComponent(have())}`,
  hear, broken, fault, mend,
});
// The alarms come with no page; the first word from a tab that has the stream may take a while.
if (!board) refresh();
setInterval(tick, 250);
setInterval(wail, 450);
