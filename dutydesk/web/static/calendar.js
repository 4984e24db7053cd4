// The year's calendar by keyboard: one stop for Tab, arrows from day to day, Page Up and Down from month to month.
// Without this script every day is a link of its own, as it stands.

const days = [...document.querySelectorAll(".calendar-months a[data-day]")];
const byDay = new Map(days.map((one) => [one.dataset.day, one]));

function stop(at) {
  for (const one of days) one.tabIndex = one === at ? 0 : -1;
}

function shifted(day, count) {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + count);
  return at.toISOString().slice(0, 10);
}

// The same day of another month, or that month's last one.
function ofMonth(day, count) {
  const [year, month, number] = day.split("-").map(Number);
  const last = new Date(Date.UTC(year, month + count, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + count, Math.min(number, last))).toISOString().slice(0, 10);
}

const moves = {
  ArrowLeft: (day) => shifted(day, -1),
  ArrowRight: (day) => shifted(day, 1),
  ArrowUp: (day) => shifted(day, -7),
  ArrowDown: (day) => shifted(day, 7),
  PageUp: (day) => ofMonth(day, -1),
  PageDown: (day) => ofMonth(day, 1),
  Home: (day) => `${day.slice(0, 8)}01`,
  End: (day) => ofMonth(`${day.slice(0, 8)}31`, 0),
};

stop(days.find((one) => one.hasAttribute("aria-current")) ?? days[0]);

document.querySelector(".calendar-months")?.addEventListener("keydown", (event) => {
  const from = event.target.closest("a[data-day]");
  const move = moves[event.key];
  if (!from || !move || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const to = byDay.get(move(from.dataset.day));
  if (!to) return;
  stop(to);
  to.focus();
});
