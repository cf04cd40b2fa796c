"""Settings from the environment (and `.env`), one small class per concern, checked at start.

A half-configured desk does not start: every problem is collected and told at once, with the name
of the variable and the way out. `xiaoer doctor` prints the same list.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from xiaoer.agent.brains.select import BrainSettingRefused, resolve
from xiaoer.approvals import keys as key_files
from xiaoer.domain.budgets import Budgets, Price
from xiaoer.domain.weak import is_easy
from xiaoer.stores import loader

_MIN_SECRET = 12
_ENV_FILE = ".env"
_DATABASES = ("sqlite:///", "postgresql+psycopg://")

_Read = TypeVar("_Read", bound=BaseSettings)


class Role(StrEnum):
    ALL = "all"
    API = "api"
    WORKER = "worker"
    EXECUTOR = "executor"


# The private key that a role cannot do without when it runs apart.
_KEY_OF = {Role.WORKER: "context", Role.EXECUTOR: "grant"}


class SettingsRefused(Exception):
    """What is missing or wrong, one sentence a line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Env(BaseSettings):
    # An empty value, as in a copied .env, means: not set.
    model_config = SettingsConfigDict(
        env_file=_ENV_FILE, env_ignore_empty=True, extra="ignore", populate_by_name=True
    )


class ServiceSettings(_Env):
    home: Annotated[Path, Field(alias="XIAOER_HOME")] = Path("var")
    host: Annotated[str, Field(alias="XIAOER_HOST")] = "127.0.0.1"
    port: Annotated[int, Field(alias="XIAOER_PORT", ge=1, le=65535)] = 8000
    stores: Annotated[Path, Field(alias="XIAOER_STORES")] = loader.BUILT_IN
    articles: Annotated[Path | None, Field(alias="XIAOER_ARTICLES")] = None
    # Behind TLS: cookies of the desk are sent over https only.
    secure_cookies: Annotated[bool, Field(alias="XIAOER_SECURE_COOKIES")] = False
    # Sites that may show the chat in a frame, separated by spaces: "https://shop.example.com".
    frame_ancestors: Annotated[str, Field(alias="XIAOER_FRAME_ANCESTORS")] = "'self'"
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
    cache: Annotated[Path | None, Field(alias="XIAOER_CACHE")] = None


class BrainSettings(_Env):
    """Satisfies what `agent.brains.select` asks for."""

    brain: Annotated[str, Field(alias="XIAOER_BRAIN")] = "auto"
    anthropic_api_key: Annotated[SecretStr | None, Field(alias="ANTHROPIC_API_KEY")] = None
    anthropic_base_url: Annotated[str | None, Field(alias="ANTHROPIC_BASE_URL")] = None
    openai_api_key: Annotated[SecretStr | None, Field(alias="OPENAI_API_KEY")] = None
    openai_base_url: Annotated[str | None, Field(alias="OPENAI_BASE_URL")] = None


class LimitSettings(_Env):
    """What a day (UTC) may cost; an empty value keeps the default, 0 stops at once."""

    conversation_turns: Annotated[int, Field(alias="XIAOER_CONVERSATION_TURNS_PER_DAY", ge=1)] = 300
    sender_messages: Annotated[int, Field(alias="XIAOER_SENDER_MESSAGES_PER_DAY", ge=1)] = 400
    sender_characters: Annotated[int, Field(alias="XIAOER_SENDER_CHARACTERS_PER_DAY", ge=1)] = 200_000
    store_turns: Annotated[int, Field(alias="XIAOER_STORE_TURNS_PER_DAY", ge=0)] = 20_000
    conversation_tokens: Annotated[int, Field(alias="XIAOER_CONVERSATION_TOKENS_PER_DAY", ge=0)] = 300_000
    store_tokens: Annotated[int | None, Field(alias="XIAOER_STORE_TOKENS_PER_DAY", ge=0)] = None
    model_tokens: Annotated[int | None, Field(alias="XIAOER_MODEL_TOKENS_PER_DAY", ge=0)] = None
    model_usd: Annotated[float | None, Field(alias="XIAOER_MODEL_USD_PER_DAY", ge=0)] = None
    # US dollars for a million tokens: "fresh input, cached input, output".
    model_price: Annotated[
        str, Field(alias="XIAOER_MODEL_PRICE", pattern=r"^\d+(\.\d+)?\s*,\s*\d+(\.\d+)?\s*,\s*\d+(\.\d+)?$")
    ] = "0,0,0"

    def budgets(self) -> Budgets:
        fresh, cached, output = (float(part) for part in self.model_price.split(","))
        return Budgets(
            conversation_turns=self.conversation_turns,
            sender_messages=self.sender_messages,
            sender_characters=self.sender_characters,
            store_turns=self.store_turns,
            conversation_tokens=self.conversation_tokens,
            store_tokens=self.store_tokens,
            model_tokens=self.model_tokens,
            model_micro_usd=None if self.model_usd is None else round(self.model_usd * 1_000_000),
            price=Price(fresh, cached, output),
        )


class RetentionSettings(_Env):
    """How many days something is kept after its last movement; 0 keeps it for ever."""

    messages: Annotated[int, Field(alias="XIAOER_KEEP_MESSAGES_DAYS", ge=0)] = 730
    traces: Annotated[int, Field(alias="XIAOER_KEEP_TRACES_DAYS", ge=0)] = 90
    follow_ups: Annotated[int, Field(alias="XIAOER_KEEP_FOLLOW_UPS_DAYS", ge=0)] = 180
    grants: Annotated[int, Field(alias="XIAOER_KEEP_SPENT_GRANTS_DAYS", ge=0)] = 30
    proofs: Annotated[int, Field(alias="XIAOER_KEEP_PROOF_ATTEMPTS_DAYS", ge=0)] = 7
    threads: Annotated[int, Field(alias="XIAOER_KEEP_CASE_THREADS_DAYS", ge=0)] = 90
    budgets: Annotated[int, Field(alias="XIAOER_KEEP_BUDGETS_DAYS", ge=0)] = 35


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
    """All concerns together, read once. What cannot be read stands in `unreadable`, with its default in use."""

    def __init__(self) -> None:
        self.unreadable: list[str] = []
        self.service = self._read(ServiceSettings)
        self.secrets = self._read(SecretSettings)
        self.database = self._read(DatabaseSettings)
        self.brain = self._read(BrainSettings)
        self.mcp = self._read(McpSettings)
        self.limits = self._read(LimitSettings)
        self.retention = self._read(RetentionSettings)

    def _read(self, concern: type[_Read]) -> _Read:
        try:
            return concern()
        except ValidationError as error:
            faults = {str(fault["loc"][0]): fault for fault in error.errors()}
        self.unreadable += [
            f"{name}={fault['input']} cannot be used: {fault['msg']}." for name, fault in faults.items()
        ]
        fields = concern.model_fields.values()
        return concern(**{str(field.alias): field.default for field in fields if field.alias in faults})

    def named_secret(self, name: str) -> str | None:
        """A secret whose variable a store's file names; from the environment or `.env`."""
        source = DotEnvSettingsSource(_Env, env_file=_ENV_FILE, case_sensitive=True)
        return os.environ.get(name) or source.env_vars.get(name) or None

    @property
    def home(self) -> Path:
        return self.service.home.absolute()

    @property
    def cache(self) -> Path:
        """What can be made again from the code and the examples: the trained classifier, by content hash."""
        return self.database.cache or self.home / "cache"

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
    settings = Settings()
    problems = list(find_problems(settings, role))
    if problems:
        raise SettingsRefused(problems)
    return settings


def find_problems(settings: Settings, role: Role) -> Iterator[str]:
    """Everything that keeps this role from starting, one sentence each."""
    yield from settings.unreadable
    yield from _home_problems(settings.home)
    yield from _database_problems(settings, role)
    yield from _secret_problems(settings)
    yield from _key_problems(settings, role)
    yield from _brain_problems(settings.brain)
    yield from _store_problems(settings)
    yield from _address_problems(settings)
    yield from _limit_problems(settings)


def _home_problems(home: Path) -> Iterator[str]:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    if not there.is_dir():
        yield f"XIAOER_HOME={home} cannot be a folder: {there} is a file."
    elif not os.access(there, os.W_OK | os.X_OK):
        yield f"XIAOER_HOME={home} cannot be written: {there} belongs to somebody else."


def _database_problems(settings: Settings, role: Role) -> Iterator[str]:
    named = {
        # In this order: where one address serves both, its fault is told by the first name.
        settings.shop_database_url: "XIAOER_SHOP_DATABASE_URL",
        settings.database_url: "XIAOER_DATABASE_URL",
    }
    for url, name in named.items():
        if not url.startswith(_DATABASES):
            yield f"{name} must start with {' or '.join(_DATABASES)}."
        elif not names_database(url):
            yield f"{name} must name a database, such as sqlite:////data/desk.db or {_DATABASES[1]}user@host/desk."
    if role is not Role.ALL and settings.database_url.startswith("sqlite"):
        yield f"--role {role} needs a PostgreSQL XIAOER_DATABASE_URL; SQLite serves one process (--role all)."


def names_database(url: str) -> bool:
    """Is this an address of a kind that we speak, with a database in it?"""
    try:
        database = make_url(url).database
    except (ArgumentError, ValueError):  # a port that is no number, for one
        return False
    return url.startswith(_DATABASES) and database not in (None, "", ":memory:")


def _secret_problems(settings: Settings) -> Iterator[str]:
    named = {
        "XIAOER_ADMIN_PASSWORD": settings.secrets.admin_password,
        "XIAOER_API_TOKEN": settings.secrets.api_token,
        "XIAOER_SECRET_KEY": settings.secrets.secret_key,
    }
    for name, secret in named.items():
        if secret and is_easy(secret.get_secret_value(), _MIN_SECRET):
            yield (
                f"{name} is too easy to guess: use at least {_MIN_SECRET} characters "
                "that come from no example, or leave it out."
            )


def _key_problems(settings: Settings, role: Role) -> Iterator[str]:
    """Keys are made on the first start when all roles share a process; apart, each role's must be there."""
    files = {"context": settings.context_key_file, "grant": settings.grant_key_file}
    for kind, file in files.items():
        if kind == _KEY_OF.get(role):
            yield from _own_key_problems(kind, file, settings.verify_keys_file, role)
        elif _open_to_others(file):
            yield f"The key file {file} can be read by others. Run: chmod 600 {file}"
        elif role is Role.ALL and file.exists():
            yield from _faults_of(key_files.load_key_file, file)
    if role is Role.API and settings.secrets.secret_key is None:
        yield "XIAOER_SECRET_KEY must be set when several processes share the web sessions."


def _own_key_problems(kind: str, file: Path, verify_file: Path, role: Role) -> Iterator[str]:
    if file.exists():
        yield from _faults_of(_require_fit, kind, file, verify_file)
    else:
        yield (
            f"XIAOER_{kind.upper()}_KEY_FILE: {file} is not there, and --role {role} cannot do without. "
            "Make the keys once with `xiaoer keys` and give each role its own."
        )


def _require_fit(kind: str, file: Path, verify_file: Path) -> None:
    own, public = key_files.load_key_file(file), key_files.load_verify_keys(verify_file)
    if key_files.public_pem(own.public_key()) != key_files.public_pem(public[kind]):
        raise key_files.KeyFileError(
            f"XIAOER_VERIFY_KEYS: {verify_file} holds another {kind} key than {file}; no server would "
            "believe this role. Use the files of one run of `xiaoer keys`."
        )


def _faults_of(look: Callable[..., object], *args: object) -> Iterator[str]:
    try:
        look(*args)
    except key_files.KeyFileError as fault:
        yield str(fault)


def _open_to_others(file: Path) -> bool:
    try:
        return bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:  # not there, or not even that is for this role to see
        return False


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
    articles = settings.service.articles
    if articles is not None and not articles.is_dir():
        yield f"XIAOER_ARTICLES={articles} is not a folder."


def _limit_problems(settings: Settings) -> Iterator[str]:
    budgets = settings.limits.budgets()
    if budgets.model_micro_usd is not None and budgets.price == Price():
        yield (
            "XIAOER_MODEL_USD_PER_DAY needs XIAOER_MODEL_PRICE, the US dollars for a million tokens of fresh input, "
            'cached input and output, such as "1.00,0.10,5.00"; without it nothing would ever be spent.'
        )


def _address_problems(settings: Settings) -> Iterator[str]:
    named = {f"XIAOER_MCP_{name.upper()}_URL": url for name, url in settings.mcp.urls().items()}
    named["XIAOER_CHROMA_URL"] = settings.database.chroma_url or ""
    for name, url in named.items():
        if url and not url.startswith(("http://", "https://")):
            yield f"{name} must start with http:// or https://, not {url!r}."
