"""Who may call a route. Every route names its permission, so that a test can walk all of them.

Use as ``actor: Annotated[Actor, Depends(allow("incident:write"))]``, and for a route that asks nobody
who they are as ``dependencies=[Depends(open_to("public"))]``.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.routing import BaseRoute

from dutydesk.accounts.actions import actor_for_token
from dutydesk.accounts.queries import any_account
from dutydesk.accounts.rules import PERMISSIONS, ROLES, Actor, Permission
from dutydesk.accounts.signing import Lifetime, actor_for_cookie
from dutydesk.errors import NobodyYetError, NotAllowedError, NotSignedInError, PasswordDueError
from dutydesk.web.site import Site, TheSite

Open = Literal["public", "provider"]

_TABLE_HEAD = """# Who may call what

Every route with the permission it names, and who holds it. Made by `dutydesk permissions > docs/permissions.md`; a test holds it
against the program and walks every route as every role and as a stranger.

`public` asks nobody; `provider` asks for the provider's signature; `none` is the static files and the description of the API, which
hold no data. A unit contact (`unit`) sees what belongs to its own unit only: what belongs to another one is not found. Telephone
numbers are masked for roles without `numbers:read`.
"""

_BEARER = HTTPBearer(auto_error=False, description="An API token made by `dutydesk token create`.")
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


@dataclass(frozen=True, slots=True)
class TokenNeeded:
    """The dependency of an API route: a valid bearer token whose role holds ``permission``."""

    permission: Permission

    async def __call__(self, site: TheSite, credentials: _Credentials) -> Actor:
        """Return who calls.

        Raises:
            NotSignedInError: no token, or one that is unknown, expired or revoked (all told alike).
            NotAllowedError: the role does not hold the permission.
        """
        if credentials is None:
            raise NotSignedInError("give an API token as Authorization: Bearer")
        async with site.db.read() as session:
            actor = await actor_for_token(session, credentials.credentials, site.clock.now())
        if actor is None:
            raise NotSignedInError("this API token is unknown, expired or revoked")
        return _checked(actor, self.permission)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The dependency of a page: the cookie of a live sign-in whose role holds ``permission``.

    ``anew`` lets in somebody who still has to choose a password.
    """

    permission: Permission
    anew: bool = False

    async def __call__(self, request: Request, site: TheSite) -> Actor:
        """Return who is signed in.

        Raises:
            NobodyYetError: nobody has an account yet.
            NotSignedInError: no cookie, or one whose sign-in has ended.
            PasswordDueError: a password must be chosen first.
            NotAllowedError: the role does not hold the permission.
        """
        now = site.clock.now()
        plain = request.cookies.get(cookie_name(site))
        found = None if not plain else await actor_for_cookie(site.db, plain, now, lifetime(site))
        if found is None:
            async with site.db.read() as session:
                if not await any_account(session):
                    raise NobodyYetError("nobody has an account yet")
            raise NotSignedInError("sign in first")
        actor, must_change = found
        request.state.actor = actor
        if must_change and not self.anew:
            raise PasswordDueError("choose a password first")
        return _checked(actor, self.permission)


def cookie_name(site: Site) -> str:
    """Return the name of the sign-in's cookie; ``__Host-`` makes a browser refuse one set by another host."""
    return "__Host-dutydesk" if is_secure(site) else "dutydesk"


def is_secure(site: Site) -> bool:
    """Tell whether people reach the service by https."""
    return urlsplit(site.settings.public_url).scheme == "https"


def lifetime(site: Site) -> Lifetime:
    """Return how long a browser stays signed in."""
    settings = site.settings
    return Lifetime(timedelta(hours=settings.sign_in_idle_hours), timedelta(days=settings.sign_in_days))


@dataclass(frozen=True, slots=True)
class OpenRoute:
    """The dependency of a route that needs no actor: public, or proved by a provider's signature."""

    permission: Open

    async def __call__(self) -> None:
        """Let everybody pass."""


def allow(permission: Permission) -> TokenNeeded:
    """Return the dependency of an API route that needs *permission*; it yields the :class:`Actor`.

    Raises:
        ValueError: for ``public`` and ``provider``, which have no actor: use :func:`open_to`.
    """
    if permission in ("public", "provider"):
        message = f"{permission} routes have no actor: use open_to({permission!r})"
        raise ValueError(message)
    return TokenNeeded(permission)


def allow_page(permission: Permission, *, anew: bool = False) -> SignedIn:
    """Return the dependency of a page that needs *permission*; it yields the :class:`Actor`."""
    return SignedIn(permission, anew)


def open_to(permission: Open) -> OpenRoute:
    """Return the dependency of a route that anybody (or a provider, who signs) may call; it yields nothing."""
    return OpenRoute(permission)


def permission_of(route: BaseRoute | RouteContext) -> Permission | None:
    """Return the permission a route names anywhere among its dependencies; None is a fault of the route.

    FastAPI keeps an included router as one entry of ``app.routes``: :func:`permissions_of` opens it.
    """
    dependant = getattr(route, "dependant", None)
    return _named_in(dependant) if isinstance(dependant, Dependant) else None


def permissions_of(app: FastAPI) -> list[tuple[str, Permission | None]]:
    """Return every route of *app*, in order, as ``GET,HEAD /path`` with the permission it names."""
    return [
        (f"{','.join(sorted(route.methods or ()))} {route.path}".strip(), permission_of(route))
        for route in iter_route_contexts(app.routes)
    ]


def permission_table(app: FastAPI) -> str:
    """Return every route and who may call it, as a page of Markdown."""
    lines = [
        _TABLE_HEAD,
        f"| route | permission | stranger | {' | '.join(ROLES)} |",
        "|---" * (len(ROLES) + 3) + "|",
    ]
    for route, permission in sorted(permissions_of(app), key=lambda one: one[0].split(" ")[::-1]):
        open_to_all = permission is None or permission in get_args(Open)
        marks = [_mark(open_to_all or permission in PERMISSIONS[role]) for role in ROLES]
        lines.append(f"| `{route}` | {permission or 'none'} | {_mark(open_to_all)} | {' | '.join(marks)} |")
    return "\n".join(lines) + "\n"


def _mark(allowed: bool) -> str:
    return "yes" if allowed else "–"


def _named_in(dependant: Dependant) -> Permission | None:
    if isinstance(dependant.call, TokenNeeded | SignedIn | OpenRoute):
        return dependant.call.permission
    found = (_named_in(part) for part in dependant.dependencies)
    return next((permission for permission in found if permission is not None), None)


def _checked(actor: Actor, permission: Permission) -> Actor:
    if not actor.may(permission):
        raise NotAllowedError(f"the role {actor.role} may not do this ({permission})")
    return actor
