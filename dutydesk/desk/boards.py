"""The open boards: drawn once per change for everybody alike, and told only what changed.

One task reads after every commit, draws each variant that somebody looks at, and hands the same
bytes to all of its listeners. It also beats every few seconds and ends the streams of those whose
sign-in has ended.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from markupsafe import Markup

from dutydesk.accounts.permissions import lifetime
from dutydesk.accounts.queries import seen
from dutydesk.accounts.rules import Actor, is_live_sign_in
from dutydesk.desk import queries
from dutydesk.desk.drawing import Drawn, Variant, filled, strokes
from dutydesk.desk.facts import Rows, read_board
from dutydesk.desk.health import Pulse
from dutydesk.desk.points import milliseconds
from dutydesk.logs import log
from dutydesk.web.languages import set_language
from dutydesk.web.site import Site

Stream = Variant | Literal["ring", "beat"]

BEAT_SECONDS = 5.0
# A burst of commits is drawn at most ten times a second.
_DRAWN_EVERY = 0.1
# What no commit announces (a change of shift, another node's work) is drawn as late as this.
_STALE = timedelta(seconds=4)
_CHECK_EVERY = timedelta(seconds=20)
# After a commit, which may have ended a sign-in, as soon as this.
_CHECK_SOON = timedelta(seconds=1)
# Everything is read and drawn anew so often, changed or not: a name that was corrected shows by then.
_WHOLE_EVERY = timedelta(minutes=10)
_SEEN_EVERY = timedelta(minutes=10)
# A page that takes nothing for so long is cut off; it comes back and gets everything.
_MOST_WAITING = 40

_log = log("boards")


@dataclass(slots=True)
class Shown:
    """A variant as it stands: its regions with their marks, and the incidents in their order."""

    version: str = ""
    rows: Rows | None = None
    regions: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, object] = field(default_factory=dict)
    order: tuple[int, ...] = ()
    incidents: dict[int, Drawn] = field(default_factory=dict)

    def all_regions(self) -> dict[str, str]:
        """Return every region by its name; an incident's is ``incident-`` and its id."""
        return self.regions | {f"incident-{one}": self.incidents[one].html for one in self.order}


@dataclass(frozen=True, slots=True)
class Picture:
    """A board as a page shows it at one moment: regions as markup, incidents in their order."""

    version: str
    regions: dict[str, Markup]
    incidents: tuple[tuple[int, Markup], ...]
    rows: Rows


@dataclass(eq=False, slots=True)
class Listener:
    """One open stream. ``over`` says why it ends: the page must sign in again, or just come back."""

    stream: Stream
    actor: Actor
    waiting: list[bytes] = field(default_factory=list)
    over: bool = False
    awake: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, chunk: bytes) -> None:
        """Queue what is to be sent; a stream that is not read ends instead of growing."""
        if len(self.waiting) >= _MOST_WAITING:
            self.end()
        elif not self.over:
            self.waiting.append(chunk)
            self.awake.set()

    def end(self, farewell: bytes | None = None) -> None:
        """Send a last word and close."""
        if farewell is not None:
            self.waiting.append(farewell)
        self.over = True
        self.awake.set()


class Boards:
    """Every open board of this process."""

    def __init__(self, site: Site, providers: Sequence[str], pulse: Pulse | None) -> None:
        """Take what a board is made of; nothing runs before somebody listens."""
        self._site = site
        self._providers = tuple(providers)
        self._pulse = pulse
        self._epoch = secrets.token_hex(4)
        self._serial = 0
        self._rows: Rows | None = None
        self._rows_count = -1
        self._shown: dict[Variant, Shown] = {}
        self._listeners: set[Listener] = set()
        self._drawing = asyncio.Lock()
        self._rung = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._checked_at: datetime | None = None
        self._committed = False
        self._whole_at: datetime | None = None

    # ── what a page shows ────────────────────────────────────────────────────────────────────

    async def picture(self, variant: Variant) -> Picture:
        """Return a board as it is now, from the same drawing that is pushed."""
        async with self._drawing:
            shown = await self._current(variant)
        now = self._site.clock.now()
        assert shown.rows is not None  # noqa: S101 (drawn just now)
        return Picture(
            shown.version,
            # Markup already: every region came out of an escaping template.
            {name: Markup(filled(text, now)) for name, text in shown.regions.items()},  # noqa: S704
            tuple(
                (one, Markup(filled(shown.incidents[one].html, now)))  # noqa: S704 (as above)
                for one in shown.order
            ),
            shown.rows,
        )

    async def _current(self, variant: Variant) -> Shown:
        """Return a variant drawn from the newest rows; call with the lock held."""
        rows = await self._read()
        shown = self._shown.setdefault(variant, Shown())
        if shown.rows is not rows:
            await self._draw(variant, shown, rows)
        return shown

    async def _read(self) -> Rows:
        """Read again after a commit, and when what was read is some seconds old."""
        now, count = self._site.clock.now(), self._site.bell.count
        known = self._rows
        if known is not None and count == self._rows_count and timedelta(0) <= now - known.at < _STALE:
            return known
        kept, owings = ((), None) if known is None else (known.incidents, known.owings)
        if self._whole_at is None or not timedelta(0) <= now - self._whole_at < _WHOLE_EVERY:
            kept, owings, self._whole_at = (), None, now
        async with self._site.db.read() as session:
            rows = await read_board(session, self._site, now, self._pulse, self._providers, kept, owings)
        self._rows, self._rows_count = rows, count
        return rows

    async def _draw(self, variant: Variant, shown: Shown, rows: Rows) -> None:
        """Draw what changed and tell the listeners; between two incidents everything else may run."""
        set_language(variant.language)
        drawn = strokes(variant, self._site, rows, self._site.clock.now())
        before = shown.all_regions()
        regions = drawn.regions(shown.inputs, shown.regions)
        incidents: dict[int, Drawn] = {}
        for found in rows.incidents:
            key = found.row.id or 0
            old = shown.incidents.get(key)
            if old is not None and old.rows is found and old.day == drawn.day:
                incidents[key] = old
                continue
            incidents[key] = drawn.incident(found)
            await asyncio.sleep(0)
        shown.inputs = drawn.inputs
        order = tuple(incidents)
        moved = order != shown.order
        shown.rows, shown.regions, shown.incidents, shown.order = rows, regions, incidents, order
        changed = {name: text for name, text in shown.all_regions().items() if before.get(name) != text}
        if changed or moved or not shown.version:
            earlier, shown.version = shown.version, self._next_version()
            self._tell(variant, self._event("board", shown, earlier, changed))

    def _next_version(self) -> str:
        self._serial += 1
        return f"{self._epoch}.{self._serial}"

    # ── what a stream says ───────────────────────────────────────────────────────────────────

    async def listen(self, stream: Stream, actor: Actor, have: str = "") -> AsyncGenerator[bytes]:
        """Yield what one open page is told, beginning with everything it does not have yet."""
        listener = Listener(stream, actor)
        try:
            if isinstance(stream, Variant):
                async with self._drawing:
                    shown = await self._current(stream)
                    self._join(listener)
                if have != shown.version:
                    yield self._event("board", shown, None, shown.all_regions())
            else:
                self._join(listener)
            yield self._beat(stream)
            while True:
                await listener.awake.wait()
                listener.awake.clear()
                chunks, listener.waiting = listener.waiting, []
                if chunks:
                    yield b"".join(chunks)
                if listener.over:
                    return
        finally:
            self._leave(listener)

    def _join(self, listener: Listener) -> None:
        self._listeners.add(listener)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="boards")

    def _leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        if not self._listeners and self._task is not None:
            self._task.cancel()
            self._task = None

    def _tell(self, stream: Stream, chunk: bytes) -> None:
        for listener in self._listeners:
            if listener.stream == stream:
                listener.put(chunk)

    def _event(self, name: str, shown: Shown, earlier: str | None, regions: dict[str, str]) -> bytes:
        """Encode what changed, once for everybody; clocks are filled as of now, the script runs them on."""
        now = self._site.clock.now()
        body = {
            "now": milliseconds(now),
            "from": earlier,
            "at": shown.version,
            "order": shown.order,
            "regions": {key: filled(text, now) for key, text in regions.items()},
        }
        return _encoded(name, body)

    def _beat(self, stream: Stream) -> bytes:
        """Every beat carries the site's time, and the version a page should have by now."""
        shown = self._shown.get(stream) if isinstance(stream, Variant) else None
        body = {"now": milliseconds(self._site.clock.now()), "at": "" if shown is None else shown.version}
        return _encoded("beat", body)

    # ── the task ─────────────────────────────────────────────────────────────────────────────

    async def _run(self) -> None:
        """Draw after every ring and at every beat, as long as somebody listens."""
        ringing = asyncio.create_task(self._hear(), name="boards-bell")
        try:
            while not ringing.done():
                rung = self._rung.is_set()
                self._rung.clear()
                try:
                    await self.turn(rung=rung)
                except Exception:  # noqa: BLE001 (no beat is sent, so every page says that the line is cut)
                    _log.exception("the boards could not be drawn")
                await asyncio.sleep(_DRAWN_EVERY)
                with suppress(TimeoutError):
                    soon = self._committed
                    async with asyncio.timeout(_CHECK_SOON.total_seconds() if soon else BEAT_SECONDS):
                        await self._rung.wait()
        finally:
            ringing.cancel()
            for listener in self._listeners:
                listener.end()

    async def _hear(self) -> None:
        async with aclosing(self._site.bell.listen()) as rings:
            async for _ in rings:
                self._rung.set()
        self._rung.set()

    async def turn(self, *, rung: bool) -> None:
        """Bring every stream up to date: pages that fetch are told that something changed, boards are drawn."""
        self._committed |= rung
        if self._committed:
            # First of all: whoever was signed out is not shown what came after.
            await self.check_sign_ins()
        streams = {listener.stream for listener in self._listeners if not listener.over}
        if rung and "ring" in streams:
            self._tell("ring", _encoded("ring", {"now": milliseconds(self._site.clock.now())}))
        for stream in streams:
            if isinstance(stream, Variant):
                async with self._drawing:
                    await self._current(stream)
        for stream in streams:
            self._tell(stream, self._beat(stream))
        await self.check_sign_ins()
        self._forget_unwatched(streams)

    def _forget_unwatched(self, streams: Collection[Stream]) -> None:
        """A variant nobody looks at any more is drawn anew when somebody comes back."""
        for variant in [one for one in self._shown if one not in streams]:
            del self._shown[variant]

    async def check_sign_ins(self) -> None:
        """End the streams of those who were signed out, closed or given another role; the others stay in."""
        now = self._site.clock.now()
        every = _CHECK_SOON if self._committed else _CHECK_EVERY
        if self._checked_at is not None and timedelta(0) <= now - self._checked_at < every:
            return
        self._checked_at, self._committed = now, False
        # Whoever joins while this is read has just been checked, and is not among what is found.
        asked = list(self._listeners)
        ids = {one.actor.sign_in_id for one in asked if one.actor.sign_in_id is not None}
        async with self._site.db.read() as session:
            found = await queries.sign_ins(session, ids)
        allowed = lifetime(self._site)
        old: list[int] = []
        for listener in asked:
            row = found.get(listener.actor.sign_in_id or 0)
            if (
                row is None
                or row.closed
                or row.role != listener.actor.role
                or not is_live_sign_in(row.at, row.seen_at, row.ended_at, now, allowed.idle, allowed.longest)
            ):
                listener.end(_encoded("ended", {"now": milliseconds(now)}))
            elif isinstance(listener.stream, Variant) and now - row.seen_at > _SEEN_EVERY:
                old.append(listener.actor.sign_in_id or 0)
        if old:
            # An open board is in use: a wall screen must not sign itself out in the night.
            async with self._site.db.write(quiet=True) as session:
                for sign_in_id in sorted(set(old)):
                    await seen(session, sign_in_id, now)


def _encoded(name: str, body: Mapping[str, object]) -> bytes:
    """Return a server-sent event; JSON has no bare line break that could end it."""
    return f"event: {name}\r\ndata: {json.dumps(body, ensure_ascii=False)}\r\n\r\n".encode()
