// Keeps the preview of a paper up to date while somebody writes; the page works without, by its preview button.
const form = document.querySelector("form[data-preview]");
const WAIT = 350; // ms after the last key

if (form) {
  const frame = document.getElementById("preview");
  const state = document.getElementById("preview-state");
  let timer = 0;
  let asked = 0;
  let leaving = false;
  const saved = new URLSearchParams(new FormData(form)).toString();
  const typed = () => new URLSearchParams(new FormData(form));

  async function draw() {
    const mine = ++asked;
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: typed(), credentials: "same-origin" });
      if (!answer.ok) throw new Error(answer.status);
      const text = await answer.text();
      if (mine !== asked) return;
      frame.innerHTML = text; // from our own server, with everything typed escaped
      state.textContent = "";
    } catch {
      if (mine !== asked) return;
      state.textContent = state.dataset.late;
      timer = setTimeout(draw, 3000);
    }
  }

  for (const button of form.querySelectorAll("[data-by-hand]")) button.hidden = true;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(draw, WAIT);
  });
  form.addEventListener("submit", () => { leaving = true; });
  addEventListener("beforeunload", (event) => {
    if (!leaving && typed().toString() !== saved) event.preventDefault();
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
