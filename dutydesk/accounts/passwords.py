"""Hashes of passwords: argon2id with the library's defaults, never on the event loop."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

# Each takes some 64 MiB and tens of milliseconds of one core: a flood of sign-ins waits, the clocks do not.
_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")
# Without what looks alike when it is read aloud or written down: 0 o, 1 l i.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


@cache
def _nobodys() -> str:
    """A hash for logins that do not exist, so that the time it takes tells nothing."""
    return _hasher().hash(secrets.token_hex())


async def hashed(password: str) -> str:
    """Return the hash to store."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, _hasher().hash, password)


async def matches(password: str, stored: str | None) -> bool:
    """Tell whether the password is the one; takes as long when there is nothing to compare it with."""

    def compare() -> bool:
        return _hasher().verify(password, stored or _nobodys()) and stored is not None

    return await asyncio.get_running_loop().run_in_executor(_POOL, compare)


def one_time_password() -> str:
    """Return a password for somebody's first sign-in, easy to read aloud: four groups of four."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
