// The line to the service: one stream of events for all tabs of this browser that show the same thing.
//
// A browser allows six connections to a host, so one tab leads: it holds the stream and passes on what it hears. When it
// goes, another takes over. Whatever happened to it, a tab that hears nothing says so after SILENCE and opens a stream of
// its own: a lost alarm is worse than a connection. Of two that lead, the one of lower rank goes on.
const SILENCE = 12_000; // two heartbeats and some
const RETRY = 2_000;
const SIGNED_OUT_RETRY = 10_000;
const ANSWER = 500; // a tab that leads answers well within
const EVENTS = ["release", "board", "beat", "ring", "ended"];

// An event stream does not tell why it failed; a plain request does. Null is not knowing.
async function stillSignedIn() {
  try {
    const answer = await fetch("/desk/time", { cache: "no-store", signal: AbortSignal.timeout(8000) });
    return answer.status === 401 || answer.status === 403 ? false : answer.ok ? true : null;
  } catch {
    return null;
  }
}

// `broken` holds what is wrong ("stream", "content", "ended"); fault and mend change it and show it.
export function openLine({ name, address, hear, broken, fault, mend }) {
  const channel = window.BroadcastChannel ? new BroadcastChannel(name) : null;
  let rank = `1 ${Math.random()}`; // whoever holds the lock comes first
  let leads = false;
  let source = null;
  let heardAt = performance.now();
  let timer = 0; // one attempt at most is pending
  let attempt = 0;
  let leaving = false;
  let release = () => {};

  const delivers = () => source?.readyState === EventSource.OPEN;
  const tell = (kind, data) => channel?.postMessage({ kind, data, rank });

  function close() {
    source?.close();
    source = null;
  }

  function stopTrying() {
    clearTimeout(timer);
    attempt += 1; // an attempt under way is void too
  }

  function tryIn(wait) {
    stopTrying();
    timer = setTimeout(tryNow, wait);
  }

  async function tryNow() {
    const mine = attempt;
    const signedIn = await stillSignedIn();
    if (mine !== attempt || leaving) return;
    if (signedIn === false || (signedIn === null && broken.has("ended"))) {
      signedOut();
      return;
    }
    if (broken.has("ended")) {
      fault("stream"); // until something arrives
      mend("ended");
    }
    lead();
  }

  function lead() {
    stopTrying();
    close();
    leads = true;
    heardAt = performance.now();
    const mine = new EventSource(address());
    source = mine;
    mine.onerror = () => { if (source === mine) cut(); };
    for (const kind of EVENTS) {
      mine.addEventListener(kind, (event) => {
        if (source !== mine) return;
        tell(kind, event.data);
        if (kind !== "ended") take(kind, event.data);
        else {
          close();
          tryIn(0); // who signed in again meanwhile goes on
        }
      });
    }
  }

  function take(kind, data) {
    heardAt = performance.now();
    hear(kind, data);
  }

  function cut() {
    close();
    heardAt = performance.now();
    if (leads) tell("cut");
    fault("stream");
    tryIn(RETRY);
  }

  function signedOut() {
    close();
    heardAt = performance.now();
    fault("ended");
    mend("stream");
    mend("content");
    tryIn(SIGNED_OUT_RETRY); // whoever signs in again in another tab finds this page going on by itself
  }

  async function mayHaveEnded() {
    if ((await stillSignedIn()) === false) signedOut();
  }

  function listen({ data: said }) {
    if (leaving) return;
    if (said.kind === "who") {
      if (delivers()) tell("here");
    } else if (said.kind === "here") {
      if (!delivers() && !broken.size) stopTrying();
    } else if (said.kind === "bye") {
      if (!delivers()) tryIn(100 + Math.random() * ANSWER);
    } else if (said.kind === "cut") {
      if (!delivers()) fault("stream");
    } else if (said.kind === "ended") {
      if (!delivers()) mayHaveEnded();
    } else if (!delivers() || rank > said.rank) {
      leads = false;
      close();
      stopTrying();
      take(said.kind, said.data);
    }
  }

  // Silence is noticed whatever the rest believes; and again, until something arrives.
  function watch() {
    if (!leaving && performance.now() - heardAt > SILENCE) cut();
  }

  // Locks exist in secure pages only; elsewhere a tab asks whether somebody leads.
  function ask() {
    tell("who");
    tryIn(ANSWER);
  }

  setInterval(watch, 500);
  document.addEventListener("visibilitychange", watch);
  window.addEventListener("pagehide", () => {
    leaving = true;
    if (leads) tell("bye");
    close();
    release();
  });
  if (!channel) {
    lead();
  } else {
    channel.onmessage = listen;
    if (!navigator.locks) ask();
    else {
      navigator.locks.request(name, () => {
        rank = "0";
        if (!leaving) lead();
        return new Promise((done) => { release = done; }); // kept until this tab is closed
      }).catch(ask);
    }
  }
  return { signedOut };
}
