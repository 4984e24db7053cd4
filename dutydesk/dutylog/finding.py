"""How a word is looked for inside a text: in SQL, as it stands, and alike on both databases.

No LIKE, so no character of a word means anything else (and on SQLite it takes half the time). Both sides are lowered,
on PostgreSQL by the C locale: both databases fold ASCII letters and no others.
"""

import re
from typing import Any

from sqlalchemy import Boolean, ColumnElement, false, func, literal, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import col

# From so many digits on, grouped or not, what somebody wrote may be a number.
_NUMBER_DIGITS = 7
# In both widths that people type here; and what stands between the groups of a number.
_DIGITS = "".join(chr(zero + one) for zero in (0x30, 0xFF10) for one in range(10))
_BETWEEN = " ()" + chr(0xFF08) + chr(0xFF09) + "-"
_NEITHER, _ONE_BETWEEN = f"[^{_DIGITS}{_BETWEEN}]", f"[{_BETWEEN}]"
_RUN = re.compile(rf"\d[\d{_BETWEEN}]*")
_FIRST, _LAST = re.compile(rf"{_ONE_BETWEEN}*\d"), re.compile(rf"\d{_ONE_BETWEEN}*$")
_GLOB_SIGN = re.compile(r"[*?\[]")


def any_has(word: str, *texts: Any, masked: bool = False) -> ColumnElement[bool]:
    """One of the texts has the word in it; *masked*: in a part of it that is shown to whom numbers are hidden.

    Then the digits of a word must stand alone in the text: otherwise whoever sees ``+86138******02`` would find out
    the rest of it by asking for one digit more each time.
    """
    if not masked or not any(one.isdecimal() for one in word):
        return or_(*(_Has(col(text), literal(word)) for text in texts))
    if any(sum(map(str.isdecimal, run)) >= _NUMBER_DIGITS for run in _RUN.findall(word)):
        return false()
    before = _around(word[0]) if _FIRST.match(word) else ((),)
    after = [one[::-1] for one in _around(word[-1])] if _LAST.search(word) else [()]
    glob, pattern = _GLOB_SIGN.sub(r"[\g<0>]", word), re.escape(word)
    return or_(
        *(
            _Stands(
                col(text),
                literal(f"*{''.join(left)}{glob}{''.join(right)}*"),
                literal(f"{''.join(left)}{pattern}{''.join(right)}"),
            )
            for text in texts
            for left in before
            for right in after
        )
    )


def _around(edge: str) -> tuple[tuple[str, ...], ...]:
    """What may stand before a word that begins with a number's sign: no digit, nor one beyond a space or a hyphen."""
    return ((_NEITHER,), (_NEITHER, _ONE_BETWEEN)) if edge.isdecimal() else ((_NEITHER,),)


def number_has(number: Any, digits: str) -> ColumnElement[bool]:
    """The number has these digits in a row, whatever stands between them."""
    bare: Any = col(number)
    for left_out in (" ", "-", "(", ")", "（", "）"):
        bare = func.replace(bare, left_out, "")
    return _Has(bare, literal(digits))


class _Has(FunctionElement[bool]):
    """Tells whether the first text has the second in it; compiled for each database."""

    inherit_cache = True
    name = "has"
    type = Boolean()


@compiles(_Has)
def _has(element: _Has, compiler: SQLCompiler, **options: Any) -> str:
    text, word = (compiler.process(one, **options) for one in element.clauses)
    return f"instr(lower({text}), lower({word})) > 0"


@compiles(_Has, "postgresql")
def _has_by_c(element: _Has, compiler: SQLCompiler, **options: Any) -> str:
    text, word = (compiler.process(one, **options) for one in element.clauses)
    return f'strpos(lower(({text}) COLLATE "C"), lower(({word}) COLLATE "C")) > 0'


class _Stands(FunctionElement[bool]):
    """Tells whether a text, with a stroke on either side, fits: SQLite's GLOB or PostgreSQL's regular expression."""

    inherit_cache = True
    name = "stands"
    type = Boolean()


@compiles(_Stands)
def _stands(element: _Stands, compiler: SQLCompiler, **options: Any) -> str:
    text, glob, _ = element.clauses
    found, wanted = compiler.process(text, **options), compiler.process(glob, **options)
    return f"('|' || lower({found}) || '|') GLOB lower({wanted})"


@compiles(_Stands, "postgresql")
def _stands_by_c(element: _Stands, compiler: SQLCompiler, **options: Any) -> str:
    text, _, pattern = element.clauses
    found, wanted = compiler.process(text, **options), compiler.process(pattern, **options)
    return f"""('|' || lower(({found}) COLLATE "C") || '|') ~ lower(({wanted}) COLLATE "C")"""
