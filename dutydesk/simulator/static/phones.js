"use strict";

// Draws the handsets from /simulator/state whenever /simulator/events says that something changed, and sends
// what is pressed. Elements are made once and then only updated, so that the keyboard's focus stays where it is.

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const WAIT = 120; // milliseconds in which changes are drawn together

const byId = (id) => document.getElementById(id);
const cards = new Map();
let drawnEvent = 0;
let fetching = false;
let stale = false;

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

async function send(number, act, body) {
  const response = await fetch(`/simulator/handsets/${encodeURIComponent(number)}/${act}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    byId("announcer").textContent = problem.detail || "操作未成功";
  }
}

function makeCard(number) {
  const card = byId("phone").content.firstElementChild.cloneNode(true);
  card.dataset.number = number;
  card.querySelector(".number").textContent = number;
  const keypad = card.querySelector(".keypad");
  for (const key of KEYS) {
    const button = element("button", "key", key);
    button.type = "button";
    button.dataset.key = key;
    keypad.append(button);
  }
  card.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) push(card, button);
  });
  card.addEventListener("keydown", (event) => typed(card, event));
  card.querySelector("select").addEventListener("change", (event) => {
    const [behaviour, key] = event.target.value.split(":");
    send(number, "behaviour", { behaviour, key: key || "1" });
  });
  byId("phones").append(card);
  return { card, drawn: "", ringing: false };
}

function push(card, button) {
  if (button.disabled) return;
  if (button.dataset.key) send(card.dataset.number, "press", { keys: button.dataset.key });
  else send(card.dataset.number, button.dataset.act);
}

function typed(card, event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.tagName === "SELECT") return;
  const acts = { a: "answer", r: "reject", h: "hang-up" };
  const act = acts[event.key.toLowerCase()];
  const wanted = act ? `[data-act="${act}"]` : KEYS.includes(event.key) ? `[data-key="${event.key}"]` : null;
  if (!wanted) return;
  event.preventDefault();
  const button = card.querySelector(wanted);
  if (button.hidden || button.disabled) return;
  button.classList.add("pushed");
  setTimeout(() => button.classList.remove("pushed"), 150);
  push(card, button);
}

function drawItem(item) {
  const row = element("li", `item-${item.kind}`);
  row.append(element("time", "", item.at));
  if (item.kind === "sms") {
    row.append(element("p", "bubble", item.body));
    return row;
  }
  const length = item.seconds === null ? "" : ` ${item.seconds} 秒`;
  const keys = item.pressed ? `，按键 ${item.pressed}` : "";
  row.classList.toggle("missed", !item.answered);
  row.append(element("p", "past", item.answered ? `通话${length}${keys}` : `未接来电（${item.words}）`));
  for (const heard of item.heard) row.append(element("p", "said", heard.text));
  return row;
}

function drawCall(card, call) {
  const pane = card.querySelector(".call");
  pane.hidden = !call;
  const ringing = Boolean(call) && call.status === "ringing";
  const talking = Boolean(call) && call.status === "in-progress";
  card.classList.toggle("ringing", ringing);
  card.classList.toggle("talking", talking);
  for (const button of card.querySelectorAll(".answer, .reject")) {
    button.hidden = talking;
    button.disabled = !ringing;
  }
  card.querySelector(".hang-up").hidden = !talking;
  for (const key of card.querySelectorAll(".key")) key.disabled = !talking;
  card.querySelector(".keypad").classList.toggle("open", talking && call.listening);
  if (!call) return;
  pane.querySelector(".words").textContent = call.words;
  pane.querySelector(".from").textContent = call.from;
  pane.querySelector(".listening").hidden = !call.listening;
  pane.querySelector(".pressed").textContent = call.pressed ? `已按 ${call.pressed}` : "";
  const heard = pane.querySelector(".heard");
  if (heard.dataset.sid !== call.sid) heard.replaceChildren();
  heard.dataset.sid = call.sid;
  for (const sentence of call.heard.slice(heard.children.length)) {
    heard.append(element("li", "", sentence.text));
    heard.scrollTop = heard.scrollHeight;
  }
}

function drawHandset(handset) {
  if (!cards.has(handset.number)) cards.set(handset.number, makeCard(handset.number));
  const entry = cards.get(handset.number);
  const wanted = JSON.stringify(handset);
  if (entry.drawn === wanted) return;
  entry.drawn = wanted;
  const { card } = entry;
  const name = handset.name || "未登记话机";
  card.setAttribute("aria-label", `${name} ${handset.title} ${handset.number}`);
  card.querySelector(".name").textContent = name;
  card.querySelector(".title").textContent = handset.title;
  const items = card.querySelector(".items");
  items.replaceChildren(...handset.items.map(drawItem));
  items.scrollTop = items.scrollHeight;
  drawCall(card, handset.call);
  drawBehaviour(card.querySelector("select"), handset);
  const ringing = card.classList.contains("ringing");
  if (ringing && !entry.ringing) byId("announcer").textContent = `${name} 来电`;
  entry.ringing = ringing;
}

function drawBehaviour(select, handset) {
  const value = handset.behaviour === "answer" ? `answer:${handset.key}` : handset.behaviour;
  if (![...select.options].some((option) => option.value === value)) {
    const option = element("option", "", `自动接听并按 ${handset.key}`);
    option.value = value;
    select.append(option);
  }
  if (document.activeElement !== select) select.value = value;
}

function drawJournal(events) {
  const list = byId("journal");
  const newest = events.filter((event) => event.number > drawnEvent);
  for (const event of newest) {
    const row = element("li");
    const entry = cards.get(event.phone);
    const name = entry ? entry.card.querySelector(".name").textContent : "";
    row.append(element("time", "", event.at), element("b", "", name), element("span", "", event.text));
    list.prepend(row);
    drawnEvent = event.number;
  }
  while (list.children.length > 100) list.lastElementChild.remove();
}

function draw(state) {
  byId("now").textContent = state.now;
  byId("empty").hidden = state.handsets.length > 0;
  state.handsets.forEach(drawHandset);
  drawJournal(state.events);
  const ringing = state.handsets.filter((handset) => handset.call && handset.call.status === "ringing").length;
  document.title = ringing ? `(${ringing}) 来电 · 话机模拟器` : "话机模拟器";
}

async function refresh() {
  stale = true;
  if (fetching) return;
  fetching = true;
  try {
    while (stale) {
      stale = false;
      const response = await fetch("/simulator/state");
      draw(await response.json());
      await new Promise((resolve) => setTimeout(resolve, WAIT));
    }
  } catch {
    showLink(false);
  } finally {
    fetching = false;
  }
}

function showLink(on) {
  byId("link").textContent = on ? "已连接" : "连接中断，正在重连";
  byId("link").classList.toggle("on", on);
}

document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.key.toLowerCase() !== "l") return;
  const ringing = document.querySelector(".phone.ringing");
  if (!ringing) return;
  event.preventDefault();
  ringing.focus();
  ringing.scrollIntoView({ block: "nearest" });
});

const source = new EventSource("/simulator/events");
source.addEventListener("open", () => showLink(true));
source.addEventListener("error", () => showLink(false));
source.addEventListener("changed", refresh);
// The page's clock goes on while nothing happens.
setInterval(refresh, 1000);
