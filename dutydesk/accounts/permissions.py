"""Who may call a route. Every route names its permission, so that a test can walk all of them.

Use as ``actor: Annotated[Actor, Depends(allow("incident:write"))]``, and for a route that asks nobody
who they are as ``dependencies=[Depends(open_to("public"))]``.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.routing import BaseRoute

from dutydesk.accounts.actions import actor_for_token
from dutydesk.accounts.rules import Actor, Permission
from dutydesk.errors import NotAllowedError, NotSignedInError
from dutydesk.web.site import TheSite

Open = Literal["public", "provider"]

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
class AtThisMachine:
    """The dependency of a page until sign-in exists: on loopback the person at this machine is the operator."""

    permission: Permission

    async def __call__(self, site: TheSite) -> Actor:
        """Return the operator at this machine.

        Raises:
            NotAllowedError: the service can be reached from elsewhere, or an operator may not do this.
        """
        if not site.loopback:
            raise NotAllowedError("the pages need a sign-in when the service can be reached from elsewhere")
        return _checked(Actor("desk", "operator"), self.permission)


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


def allow_page(permission: Permission) -> AtThisMachine:
    """Return the dependency of a page that needs *permission*; it yields the :class:`Actor`."""
    return AtThisMachine(permission)


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


def _named_in(dependant: Dependant) -> Permission | None:
    if isinstance(dependant.call, TokenNeeded | AtThisMachine | OpenRoute):
        return dependant.call.permission
    found = (_named_in(part) for part in dependant.dependencies)
    return next((permission for permission in found if permission is not None), None)


def _checked(actor: Actor, permission: Permission) -> Actor:
    if not actor.may(permission):
        raise NotAllowedError(f"the role {actor.role} may not do this ({permission})")
    return actor
