"""Settings from the environment (and `.env`), one small class per concern, checked at start.

A half-configured desk does not start: every problem is collected and told at once, with the name
of the variable and the way out. `xiaoer doctor` prints the same list.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from xiaoer.agent.brains.select import BrainSettingRefused, resolve
from xiaoer.stores import loader

_SAMPLE_SECRETS = frozenset({"changeme", "secret", "password", "admin", "xiaoer", "test", "12345678"})
_MIN_SECRET = 12


class Role(StrEnum):
    ALL = "all"
    API = "api"
    WORKER = "worker"
    EXECUTOR = "executor"


class SettingsRefused(Exception):
    """What is missing or wrong, one sentence a line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Env(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", extra="ignore", populate_by_name=True)


class ServiceSettings(_Env):
    home: Annotated[Path, Field(alias="XIAOER_HOME")] = Path("var")
    host: Annotated[str, Field(alias="XIAOER_HOST")] = "127.0.0.1"
    port: Annotated[int, Field(alias="XIAOER_PORT", ge=1, le=65535)] = 8000
    stores: Annotated[Path, Field(alias="XIAOER_STORES")] = loader.BUILT_IN
    articles: Annotated[Path | None, Field(alias="XIAOER_ARTICLES")] = None
    demo: Annotated[bool, Field(alias="XIAOER_DEMO")] = True
    concurrency: Annotated[int, Field(alias="XIAOER_CONCURRENCY", ge=1, le=500)] = 32


class SecretSettings(_Env):
    admin_password: Annotated[SecretStr | None, Field(alias="XIAOER_ADMIN_PASSWORD")] = None
    api_token: Annotated[SecretStr | None, Field(alias="XIAOER_API_TOKEN")] = None
    secret_key: Annotated[SecretStr | None, Field(alias="XIAOER_SECRET_KEY")] = None
    grant_key_file: Annotated[Path | None, Field(alias="XIAOER_GRANT_KEY_FILE")] = None
    context_key_file: Annotated[Path | None, Field(alias="XIAOER_CONTEXT_KEY_FILE")] = None
    verify_keys: Annotated[Path | None, Field(alias="XIAOER_VERIFY_KEYS")] = None


class DatabaseSettings(_Env):
    database_url: Annotated[str | None, Field(alias="XIAOER_DATABASE_URL")] = None
    shop_database_url: Annotated[str | None, Field(alias="XIAOER_SHOP_DATABASE_URL")] = None
    chroma_url: Annotated[str | None, Field(alias="XIAOER_CHROMA_URL")] = None


class BrainSettings(_Env):
    """Satisfies what `agent.brains.select` asks for."""

    brain: Annotated[str, Field(alias="XIAOER_BRAIN")] = "auto"
    anthropic_api_key: Annotated[SecretStr | None, Field(alias="ANTHROPIC_API_KEY")] = None
    anthropic_base_url: Annotated[str | None, Field(alias="ANTHROPIC_BASE_URL")] = None
    openai_api_key: Annotated[SecretStr | None, Field(alias="OPENAI_API_KEY")] = None
    openai_base_url: Annotated[str | None, Field(alias="OPENAI_BASE_URL")] = None


class McpSettings(_Env):
    """A server without address runs in this process."""

    orders: Annotated[str | None, Field(alias="XIAOER_MCP_ORDERS_URL")] = None
    logistics: Annotated[str | None, Field(alias="XIAOER_MCP_LOGISTICS_URL")] = None
    returns: Annotated[str | None, Field(alias="XIAOER_MCP_RETURNS_URL")] = None
    refunds: Annotated[str | None, Field(alias="XIAOER_MCP_REFUNDS_URL")] = None
    knowledge: Annotated[str | None, Field(alias="XIAOER_MCP_KNOWLEDGE_URL")] = None
    suppliers: Annotated[str | None, Field(alias="XIAOER_MCP_SUPPLIERS_URL")] = None

    def urls(self) -> dict[str, str]:
        return {name: url for name, url in self.model_dump().items() if url}


class Settings:
    """All concerns together, read once."""

    def __init__(self) -> None:
        self.service = ServiceSettings()
        self.secrets = SecretSettings()
        self.database = DatabaseSettings()
        self.brain = BrainSettings()
        self.mcp = McpSettings()

    @property
    def home(self) -> Path:
        return self.service.home.absolute()

    @property
    def database_url(self) -> str:
        return self.database.database_url or f"sqlite:///{self.home / 'xiaoer.db'}"

    @property
    def shop_database_url(self) -> str:
        if self.database.shop_database_url:
            return self.database.shop_database_url
        url = self.database.database_url
        return url if url and url.startswith("postgresql") else f"sqlite:///{self.home / 'shop.db'}"

    @property
    def grant_key_file(self) -> Path:
        return self.secrets.grant_key_file or self.home / "keys" / "grant.pem"

    @property
    def context_key_file(self) -> Path:
        return self.secrets.context_key_file or self.home / "keys" / "context.pem"

    @property
    def verify_keys_file(self) -> Path:
        return self.secrets.verify_keys or self.home / "keys" / "verify.json"


def load_settings(role: Role = Role.ALL) -> Settings:
    """Read and check everything; raises SettingsRefused with every problem at once."""
    try:
        settings = Settings()
    except ValidationError as error:
        raise SettingsRefused([f"{e['loc'][0]}: {e['msg']}." for e in error.errors()]) from error
    problems = list(find_problems(settings, role))
    if problems:
        raise SettingsRefused(problems)
    return settings


def find_problems(settings: Settings, role: Role) -> Iterator[str]:
    yield from _database_problems(settings, role)
    yield from _secret_problems(settings)
    yield from _key_problems(settings, role)
    yield from _brain_problems(settings.brain)
    yield from _store_problems(settings)
    for name, url in settings.mcp.urls().items():
        if not url.startswith(("http://", "https://")):
            yield f"XIAOER_MCP_{name.upper()}_URL must start with http:// or https://, not {url!r}."


def _database_problems(settings: Settings, role: Role) -> Iterator[str]:
    for name, url in (
        ("XIAOER_DATABASE_URL", settings.database_url),
        ("XIAOER_SHOP_DATABASE_URL", settings.shop_database_url),
    ):
        if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
            yield f"{name} must start with sqlite:/// or postgresql+psycopg://."
    if role is not Role.ALL and settings.database_url.startswith("sqlite"):
        yield f"--role {role} needs a PostgreSQL XIAOER_DATABASE_URL; SQLite serves one process (--role all)."


def _secret_problems(settings: Settings) -> Iterator[str]:
    named = {
        "XIAOER_ADMIN_PASSWORD": settings.secrets.admin_password,
        "XIAOER_API_TOKEN": settings.secrets.api_token,
        "XIAOER_SECRET_KEY": settings.secrets.secret_key,
    }
    for name, secret in named.items():
        value = secret.get_secret_value() if secret else None
        if value is not None and (len(value) < _MIN_SECRET or value.lower() in _SAMPLE_SECRETS):
            yield f"{name} is too easy to guess: use at least {_MIN_SECRET} characters, or leave it out."


def _key_problems(settings: Settings, role: Role) -> Iterator[str]:
    """Keys are made on the first start when all roles share a process; apart, they must be there."""
    needed = {
        Role.ALL: (),
        Role.API: (("XIAOER_VERIFY_KEYS", settings.verify_keys_file),),
        Role.WORKER: (("XIAOER_CONTEXT_KEY_FILE", settings.context_key_file),),
        Role.EXECUTOR: (("XIAOER_GRANT_KEY_FILE", settings.grant_key_file),),
    }[role]
    for name, file in needed:
        if not file.exists():
            yield f"{name}: {file} is not there. Make the keys once with `xiaoer keys` and give each role its own."
    if role is Role.API and settings.secrets.secret_key is None:
        yield "XIAOER_SECRET_KEY must be set when several processes share the web sessions."
    for file in (settings.grant_key_file, settings.context_key_file):
        if file.exists() and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield f"{file} can be read by others. Run: chmod 600 {file}"


def _brain_problems(brain: BrainSettings) -> Iterator[str]:
    try:
        resolve(brain)
    except BrainSettingRefused as refused:
        yield str(refused)


def _store_problems(settings: Settings) -> Iterator[str]:
    try:
        loader.load_stores(settings.service.stores)
    except loader.StoreRefused as refused:
        yield from str(refused).splitlines()
