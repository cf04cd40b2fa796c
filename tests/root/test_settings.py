"""A half-configured desk does not start, and says at once everything that is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from xiaoer.approvals import keys as key_files
from xiaoer.settings import Role, Settings, SettingsRefused, load_settings

POSTGRES = "postgresql+psycopg://desk@127.0.0.1/desk"
SetEnv = Callable[..., None]


@pytest.fixture
def given(home: Path, monkeypatch: pytest.MonkeyPatch) -> SetEnv:
    """Set variables: `given(XIAOER_PORT="1")`."""

    def put(**env: str) -> None:
        for name, value in env.items():
            monkeypatch.setenv(name, value)

    return put


def refusals(role: Role = Role.ALL) -> list[str]:
    """The sentences with which a start is refused; none when it is not."""
    try:
        load_settings(role)
    except SettingsRefused as refused:
        return refused.problems
    return []


def the_refusal(role: Role = Role.ALL) -> str:
    (sentence,) = refusals(role)
    return sentence


def make_keys(folder: Path) -> None:
    keys = {kind: key_files.make_key_file(folder / f"{kind}.pem").public_key() for kind in key_files.KINDS}
    key_files.write_verify_keys(folder / "verify.json", keys)


def test_nothing_has_to_be_set(given: SetEnv, home: Path) -> None:
    assert refusals() == []
    settings = Settings()
    assert settings.database_url == f"sqlite:///{home}/xiaoer.db"
    assert settings.shop_database_url == f"sqlite:///{home}/shop.db"


def test_every_problem_is_told_at_once(given: SetEnv) -> None:
    given(
        XIAOER_PORT="70000",
        XIAOER_CONCURRENCY="many",
        XIAOER_DATABASE_URL="mysql://desk@db/desk",
        XIAOER_API_TOKEN="short",
        XIAOER_BRAIN="oracle",
        XIAOER_MCP_ORDERS_URL="orders:8101",
        XIAOER_CHROMA_URL="chroma",
        XIAOER_STORES="/nowhere",
        XIAOER_ARTICLES="/nowhere",
    )
    told = refusals()
    wanted = (
        "PORT CONCURRENCY DATABASE_URL API_TOKEN BRAIN=oracle /nowhere ARTICLES MCP_ORDERS_URL CHROMA_URL"
    )
    assert all(any(word in line for line in told) for word in wanted.split()), told
    assert len(told) == 9
    assert all(line.count("\n") == 0 for line in told)


@pytest.mark.parametrize("port", ["0", "-1", "65536", "eight"])
def test_a_port_out_of_range_is_refused_with_its_name_and_value(given: SetEnv, port: str) -> None:
    given(XIAOER_PORT=port)
    assert the_refusal().startswith(f"XIAOER_PORT={port} cannot be used: ")


@pytest.mark.parametrize("name", ["XIAOER_ADMIN_PASSWORD", "XIAOER_API_TOKEN", "XIAOER_SECRET_KEY"])
@pytest.mark.parametrize(
    "value",
    [
        "hunter2",
        "changemechangeme",
        "Your-Secret-Key-Here",
        "password1234!",
        "aaaabbbbaaaabbbb",
        "123456789012",
    ],
)
def test_short_and_sample_secrets_are_refused_and_not_repeated(given: SetEnv, name: str, value: str) -> None:
    given(**{name: value})
    told = the_refusal()
    assert told.startswith(f"{name} is too easy to guess")
    assert value not in told


@pytest.mark.parametrize("value", ["correct horse battery", "kZ8r-2Lm0-qPw7", "journey-token-of-the-tests"])
def test_a_secret_that_somebody_thought_about_is_taken(given: SetEnv, value: str) -> None:
    given(XIAOER_API_TOKEN=value)
    assert refusals() == []


def test_secrets_do_not_show_when_settings_are_printed(given: SetEnv) -> None:
    given(XIAOER_API_TOKEN="kZ8r-2Lm0-qPw7", ANTHROPIC_API_KEY="sk-ant-not-a-real-one")
    settings = Settings()
    shown = repr(settings.secrets) + repr(settings.brain) + str(settings.secrets.model_dump())
    assert "kZ8r" not in shown
    assert "sk-ant" not in shown


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "XIAOER_DATABASE_URL",
            "postgres://desk@db/desk",
            "must start with sqlite:/// or postgresql+psycopg://",
        ),
        ("XIAOER_DATABASE_URL", "sqlite:///:memory:", "must name a database"),
        ("XIAOER_DATABASE_URL", "postgresql+psycopg://desk@db:port/desk", "must name a database"),
        ("XIAOER_SHOP_DATABASE_URL", "sqlite+aiosqlite:///shop.db", "must start with"),
        ("XIAOER_MCP_REFUNDS_URL", "127.0.0.1:8104", "must start with http:// or https://"),
        ("XIAOER_BRAIN", "oracle", "names no brain"),
        ("XIAOER_BRAIN", "anthropic:claude-haiku-5-5", "needs ANTHROPIC_API_KEY"),
        ("XIAOER_BRAIN", "anthropic:", "lacks the model"),
        ("XIAOER_BRAIN", "recorded:/nowhere.json", "there is no tape"),
    ],
)
def test_what_cannot_work_is_refused_with_the_way_out(
    given: SetEnv, name: str, value: str, sentence: str
) -> None:
    given(**{name: value})
    told = the_refusal()
    assert sentence in told
    assert name in told


def test_a_password_in_a_wrong_address_is_not_repeated(given: SetEnv) -> None:
    given(XIAOER_DATABASE_URL="mysql://desk:hunter2@db/desk", XIAOER_SHOP_DATABASE_URL="sqlite:///shop.db")
    assert "hunter2" not in the_refusal()


def test_an_empty_value_means_not_set(given: SetEnv) -> None:
    given(XIAOER_PORT="", XIAOER_API_TOKEN="", XIAOER_DATABASE_URL="", ANTHROPIC_API_KEY="")
    assert refusals() == []
    assert Settings().service.port == 8000


def test_a_dot_env_file_is_read_and_the_environment_stands_above_it(given: SetEnv, home: Path) -> None:
    home.with_name(".env").write_text(
        "XIAOER_PORT=8123\nXIAOER_BRAIN=embedded\nSHOP_WIDGET_SECRET=of-the-file\nUNKNOWN_NAME=1\n"
    )
    given(XIAOER_BRAIN="auto")
    settings = load_settings()
    assert (settings.service.port, settings.brain.brain) == (8123, "auto")
    assert settings.named_secret("SHOP_WIDGET_SECRET") == "of-the-file"
    assert settings.named_secret("ANOTHER_SECRET") is None
    given(SHOP_WIDGET_SECRET="of-the-environment")
    assert settings.named_secret("SHOP_WIDGET_SECRET") == "of-the-environment"


def test_a_home_that_is_a_file_is_refused(given: SetEnv, home: Path) -> None:
    home.write_text("")
    given(XIAOER_HOME=str(home / "var"))
    assert the_refusal() == f"XIAOER_HOME={home}/var cannot be a folder: {home} is a file."


@pytest.mark.parametrize("kind", key_files.KINDS)
@pytest.mark.parametrize("role", list(Role))
def test_a_key_file_that_others_can_read_is_refused_by_every_role(
    given: SetEnv, home: Path, kind: str, role: Role
) -> None:
    make_keys(home / "keys")
    given(XIAOER_DATABASE_URL=POSTGRES, XIAOER_SECRET_KEY="kZ8r-2Lm0-qPw7")
    assert refusals(role) == []
    file = home / "keys" / f"{kind}.pem"
    file.chmod(0o644)
    told = the_refusal(role)
    assert str(file) in told
    assert told.endswith(f"Run: chmod 600 {file}")


def test_a_key_file_with_something_else_in_it_is_refused(given: SetEnv, home: Path) -> None:
    make_keys(home / "keys")
    (home / "keys" / "grant.pem").write_text("not a key")
    assert "holds no private key" in the_refusal()


@pytest.mark.parametrize("role", [Role.API, Role.WORKER, Role.EXECUTOR])
def test_roles_apart_need_postgresql(given: SetEnv, home: Path, role: Role) -> None:
    make_keys(home / "keys")
    given(XIAOER_SECRET_KEY="kZ8r-2Lm0-qPw7")
    assert the_refusal(role) == (
        f"--role {role} needs a PostgreSQL XIAOER_DATABASE_URL; SQLite serves one process (--role all)."
    )


@pytest.mark.parametrize(("role", "kind"), [(Role.WORKER, "context"), (Role.EXECUTOR, "grant")])
def test_a_role_without_its_own_key_is_refused_and_needs_no_other(
    given: SetEnv, home: Path, role: Role, kind: str
) -> None:
    given(XIAOER_DATABASE_URL=POSTGRES)
    make_keys(home / "keys")
    for other in set(key_files.KINDS) - {kind}:
        (home / "keys" / f"{other}.pem").unlink()
    assert refusals(role) == []
    own = home / "keys" / f"{kind}.pem"
    own.unlink()
    told = the_refusal(role)
    assert told.startswith(f"XIAOER_{kind.upper()}_KEY_FILE: {own} is not there")
    assert "xiaoer keys" in told


def test_a_key_of_another_run_is_refused_before_every_server_would_refuse_it(
    given: SetEnv, home: Path
) -> None:
    given(XIAOER_DATABASE_URL=POSTGRES)
    make_keys(home / "keys")
    (home / "keys" / "grant.pem").unlink()
    key_files.make_key_file(home / "keys" / "grant.pem")
    assert "holds another grant key" in the_refusal(Role.EXECUTOR)


def test_an_executor_without_the_public_keys_is_refused(given: SetEnv, home: Path) -> None:
    given(XIAOER_DATABASE_URL=POSTGRES)
    make_keys(home / "keys")
    (home / "keys" / "verify.json").unlink()
    assert "verify.json cannot be read" in the_refusal(Role.EXECUTOR)


def test_an_api_process_needs_the_secret_of_web_sessions_and_no_key_at_all(given: SetEnv) -> None:
    given(XIAOER_DATABASE_URL=POSTGRES)
    assert the_refusal(Role.API) == (
        "XIAOER_SECRET_KEY must be set when several processes share the web sessions."
    )
    given(XIAOER_SECRET_KEY="kZ8r-2Lm0-qPw7")
    assert refusals(Role.API) == []


def test_one_postgresql_serves_desk_and_shop_unless_the_shop_has_its_own(given: SetEnv) -> None:
    given(XIAOER_DATABASE_URL=POSTGRES)
    assert Settings().shop_database_url == POSTGRES
    given(XIAOER_SHOP_DATABASE_URL="postgresql+psycopg://shop@127.0.0.1/shop")
    assert Settings().shop_database_url.endswith("/shop")
