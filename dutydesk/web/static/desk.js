// Keeps a page alive: clocks that run, content that follows the server, a siren that rings until somebody confirms, and
// a loud word when the line is cut. Plain EventSource and fetch, so that a line that died silently is noticed too.
const root = document.documentElement;
const speed = Number(root.dataset.speed) || 1;
const clockFormat = new Intl.DateTimeFormat("zh-CN", {
  timeZone: root.dataset.zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const NEAR = 300; // seconds
const SILENCE = 12_000; // two heartbeats and some
const STALE = 15_000; // what no commit announces (a change of shift) is fetched this often
const RETRY = 2_000;

/* ---- Time: the site's clock as the server last told it, kept running here ---- */

let known = { site: Number(root.dataset.now), at: performance.now() };
const siteNow = () => known.site + (performance.now() - known.at) * speed;

// As dutydesk/web/words.py has it.
function span(seconds) {
  const whole = Math.floor(seconds);
  const [days, hours] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24];
  const [minutes, rest] = [Math.floor(whole / 60) % 60, whole % 60];
  const two = (value) => String(value).padStart(2, "0");
  if (days) return `${days}天${hours}时`;
  if (hours) return `${hours}时${two(minutes)}分`;
  return minutes ? `${minutes}分${two(rest)}秒` : `${rest}秒`;
}

function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function tick() {
  const now = siteNow();
  write(document.getElementById("clock"), clockFormat.format(now));
  for (const count of document.querySelectorAll("[data-due]")) {
    const seconds = (Number(count.dataset.due) - now) / 1000;
    const state = seconds < 0 ? "over" : seconds <= NEAR ? "near" : "left";
    if (count.dataset.state !== state) count.dataset.state = state;
    write(count.querySelector(".count-label"), seconds < 0 ? "已超" : "剩余");
    write(count.querySelector(".count-text"), span(Math.abs(seconds)));
  }
  if (performance.now() - heardAt > SILENCE) cut();
}

/* ---- The line ---- */

let source = null;
let heardAt = performance.now();
let leaving = false;
const broken = new Set(); // of "stream" and "content"

function connect() {
  source?.close();
  heardAt = performance.now();
  source = new EventSource("/desk/events");
  source.onerror = cut;
  source.addEventListener("board", (event) => { heard(event); refresh(); });
  source.addEventListener("beat", (event) => {
    heard(event);
    reportDrawn();
    if (performance.now() - fetchedAt > STALE) refresh();
  });
}

function heard(event) {
  heardAt = performance.now();
  known = { site: Number(event.data), at: heardAt };
  mend("stream");
}

function cut() {
  if (leaving) return;
  source?.close();
  heardAt = performance.now();
  fault("stream");
  setTimeout(connect, RETRY);
}

function fault(what) {
  broken.add(what);
  showLine();
}

function mend(what) {
  if (broken.delete(what)) showLine();
}

function showLine() {
  root.dataset.line = broken.size ? "lost" : "up";
  document.getElementById("lost").hidden = !broken.size;
  showSiren();
}

/* ---- Content ---- */

let fetching = false;
let again = false;
let fetchedAt = performance.now();

async function refresh() {
  again = true;
  if (fetching) return;
  fetching = true;
  try {
    while (again) {
      again = false;
      for (const region of document.querySelectorAll("[data-live]")) await draw(region);
    }
    fetchedAt = performance.now();
    mend("content");
  } catch {
    fault("content");
    setTimeout(refresh, RETRY);
  } finally {
    fetching = false;
  }
  tick();
  showSiren();
  reportDrawn();
}

async function draw(region) {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), 8000);
  try {
    const answer = await fetch(region.dataset.live, { cache: "no-store", signal: giveUp.signal });
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    // A morph leaves alone what did not change: a button under a finger, the focus, the selection.
    if (window.htmx) await window.htmx.swap({ sourceElement: region, target: region, text, swap: "innerMorph" });
    else region.innerHTML = text;
  } finally {
    clearTimeout(timer);
  }
}

/* ---- Alarms ---- */

const reported = new Set();
const shownAlerts = () => [...document.querySelectorAll("[data-alert]")].map((one) => Number(one.dataset.alert));

async function reportDrawn() {
  const sound = soundIsOn();
  const fresh = shownAlerts().filter((id) => !reported.has(`${id} ${sound}`));
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

let audio = null;
let voice = null;
let loudness = null;
const soundIsOn = () => audio?.state === "running";

// A browser lets a page sound only after a gesture on it: the button is the plain way, any click or key will do.
function wantSound() {
  if (soundIsOn()) return;
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
  const ringing = count > 0 || broken.size > 0;
  root.dataset.sound = soundIsOn() ? "on" : "off";
  root.dataset.siren = ringing ? (soundIsOn() ? "ringing" : "muted") : "silent";
  document.getElementById("mute").hidden = soundIsOn();
  document.title = (count ? `【告警${count}】` : "") + document.title.replace(/^【告警\d+】/, "");
  if (loudness) loudness.gain.value = root.dataset.siren === "ringing" ? 0.15 : 0;
}

let high = false;
function wail() {
  high = !high;
  if (root.dataset.siren === "ringing") voice.frequency.value = high ? 880 : 660;
}

/* ---- Forms ---- */

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.matches("[data-quiet]")) {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: "POST", headers: { "X-Live": "1" } });
      if (!answer.ok) throw new Error(String(answer.status));
      await refresh();
    } catch {
      fault("content");
      setTimeout(refresh, RETRY);
    } finally {
      button.disabled = false;
    }
  } else if (form.matches("[data-once]") && broken.size) {
    event.preventDefault(); // what was typed stays here
    document.getElementById("lost").scrollIntoView();
  } else if (form.matches("[data-once]")) {
    setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = true; });
  }
});

/* ---- Begin ---- */

window.addEventListener("pagehide", () => { leaving = true; source?.close(); });
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
for (const gesture of ["pointerdown", "keydown"]) document.addEventListener(gesture, wantSound, { capture: true });
document.getElementById("sound").addEventListener("click", wantSound);
root.dataset.line = "up";
wantSound();
showSiren();
tick();
connect();
setInterval(tick, 250);
setInterval(wail, 450);
