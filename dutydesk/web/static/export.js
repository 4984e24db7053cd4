// Follows an export: twice a second asks how far it is, and shows the page anew when it is over.
const EVERY = 500;
const LATER = 2_000; // when the line is cut; the page itself says so

const box = document.querySelector("[data-progress]");
const bar = document.getElementById("export-bar");
const percent = document.getElementById("export-percent");
const words = document.getElementById("export-words");
const fill = (text, values) => text.replace(/\{([a-z]+)\}/g, (_, name) => values[name]);

async function look() {
  let wait = EVERY;
  try {
    const answer = await fetch(box.dataset.progress, { cache: "no-store", headers: { Accept: "application/json" } });
    // Signed out, or the export is gone: the page says which.
    if (!answer.ok && answer.status < 500) return location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    const job = await answer.json();
    bar.value = job.percent;
    percent.textContent = `${job.percent}%`;
    if (job.state === "running") words.textContent = fill(box.dataset.text, job);
    if (job.over) return location.reload();
  } catch {
    wait = LATER;
  }
  setTimeout(look, wait);
}

setTimeout(look, EVERY);
