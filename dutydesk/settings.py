"""Environment and secrets, read once at the start (prefix ``DUTYDESK_``, nested by ``__``).

Every secret may also come from a file: ``DUTYDESK_SECRET_KEY_FILE=/run/secrets/key`` sets
``SECRET_KEY``.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from dutydesk.errors import RefusedToStartError

PREFIX = "DUTYDESK_"


class ProviderSecrets(BaseModel):
    """What one named provider instance needs to know beyond ``config/providers.toml``."""

    account_sid: str = ""
    auth_token: SecretStr = SecretStr("")
    from_number: str = ""
    api_base_url: str = ""


class Settings(BaseSettings):
    """Everything the environment decides; the defaults run one process on loopback with SQLite."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="ignore", frozen=True
    )

    database_url: str = "sqlite+aiosqlite:///dutydesk.db"
    config_dir: Path | None = None
    public_url: str = "http://127.0.0.1:8000"
    secret_key: SecretStr = SecretStr("")
    site_timezone: str = "Asia/Shanghai"
    language: str = "zh-CN"
    heartbeat_url: str = ""
    send_for_real: bool = False
    # A board that is open is in use; a browser nobody looks at is signed out after this.
    sign_in_idle_hours: Annotated[int, Field(ge=1, le=168)] = 12
    sign_in_days: Annotated[int, Field(ge=1, le=90)] = 14
    # The addresses of proxies in front of the service; theirs is the only X-Forwarded-For that is believed.
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    # Where uploaded files lie, each under its SHA-256.
    files_dir: Path = Path("dutydesk-files")
    last_resort: Annotated[tuple[str, ...], NoDecode] = ()
    twilio: ProviderSecrets = ProviderSecrets()
    providers: dict[str, ProviderSecrets] = Field(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (the library's signature)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read ``…_FILE`` variables beside the plain ones, without passing secrets on to child processes."""
        found = {name.lower(): value for name, value in secrets_from_files(os.environ).items()}
        if isinstance(env_settings, EnvSettingsSource):
            env_settings.env_vars = {**env_settings.env_vars, **found}
        return init_settings, env_settings

    @field_validator("last_resort", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """Accept the comma-separated form of an environment variable."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("public_url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        """Refuse what a provider could never call back."""
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            message = "must be an address like https://desk.example.org"
            raise ValueError(message)
        return value.rstrip("/")

    @field_validator("site_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        """Refuse a zone the time zone database does not know."""
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            message = f"unknown time zone {value!r}"
            raise ValueError(message) from error
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.site_timezone)

    def secrets_of(self, name: str) -> ProviderSecrets:
        """Return the secrets of the provider called *name* (``TWILIO__*`` is its shorthand)."""
        named = self.providers.get(name)
        if named is not None:
            return named
        return self.twilio if name == "twilio" else ProviderSecrets()


def secrets_from_files(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that ``DUTYDESK_…_FILE`` variables stand for, read from their files.

    Raises:
        RefusedToStartError: when a named file cannot be read.
    """
    found: dict[str, str] = {}
    for name, path in environment.items():
        if not (name.startswith(PREFIX) and name.endswith("_FILE") and path):
            continue
        try:
            found[name.removesuffix("_FILE")] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            message = f"{name}: cannot read {path}: {why}"
            raise RefusedToStartError(message) from error
    return found


def load_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment; keyword arguments beat it.

    Raises:
        RefusedToStartError: naming every variable that is wrong.
    """
    try:
        return Settings(**overrides)
    except SettingsError as error:
        # A group such as DUTYDESK_TWILIO set as one value: the library names the field only.
        field = str(error).partition('"')[2].partition('"')[0]
        message = (
            f"{PREFIX}{field.upper()}: is a group of variables; set {PREFIX}{field.upper()}__<NAME> instead"
        )
        raise RefusedToStartError(message) from error
    except ValidationError as error:
        lines = [
            f"{PREFIX}{'__'.join(str(part).upper() for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise RefusedToStartError("\n".join(lines)) from error
