"""The commands: what they answer, and with which sentence and exit code they refuse."""

from __future__ import annotations

import json
import resource
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command import Ran, run_here, run_process
from typer.testing import CliRunner

from xiaoer import cli
from xiaoer.commands.serve import require_free
from xiaoer.desk.staff import check_password, ensure_admin
from xiaoer.house import lay_foundation
from xiaoer.inbox.pause import MONEY, is_paused
from xiaoer.settings import Settings
from xiaoer.storage.engine import reading

pytestmark = pytest.mark.xdist_group("cli")

Xiaoer = Callable[..., Ran]
PUBLIC_SHOP = Path(__file__).parents[1] / "data" / "tau2_small.json"


@pytest.fixture
def xiaoer(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Xiaoer:
    """Run a command in this process, in an empty home."""
    monkeypatch.setenv("XIAOER_BRAIN", "embedded")

    def run(*words: str, stdin: bytes = b"") -> Ran:
        return run_here(monkeypatch, capsys, *words, stdin=stdin)

    return run


# -- refusals


def test_what_keeps_a_desk_from_starting_is_told_on_stderr_with_exit_code_2(
    xiaoer: Xiaoer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XIAOER_API_TOKEN", "short")
    ran = xiaoer("serve", "--role", "worker")
    assert (ran.code, ran.out) == (2, "")
    lines = ran.err.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("✗ --role worker needs a PostgreSQL XIAOER_DATABASE_URL")
    assert lines[1].startswith("✗ XIAOER_API_TOKEN is too easy to guess")
    assert lines[2].startswith("✗ XIAOER_CONTEXT_KEY_FILE: ")
    assert "xiaoer doctor" in lines[3]


def test_an_executor_without_its_key_is_refused_with_the_way_out(
    xiaoer: Xiaoer, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("XIAOER_DATABASE_URL", "postgresql+psycopg://desk@127.0.0.1/desk")
    ran = xiaoer("serve", "--role", "executor")
    assert ran.code == 2
    assert f"XIAOER_GRANT_KEY_FILE: {home}/keys/grant.pem is not there" in ran.err
    assert "xiaoer keys" in ran.err


def test_a_database_that_does_not_answer_is_named_with_its_reason_and_without_its_password(
    xiaoer: Xiaoer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql+psycopg://desk:hunter2@127.0.0.1:{free_port()}/desk"
    monkeypatch.setenv("XIAOER_DATABASE_URL", url)
    monkeypatch.setenv("XIAOER_PORT", str(free_port()))
    for words in (("serve",), ("pause", "money")):
        ran = xiaoer(*words)
        assert ran.code == 2
        assert "XIAOER_DATABASE_URL: postgresql+psycopg://desk:***@" in ran.err
        assert "refused" in ran.err
        assert "hunter2" not in ran.err + ran.out
        assert "Traceback" not in ran.err


def test_a_taken_port_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            require_free("127.0.0.1", port, "XIAOER_PORT")
    assert ended.value.code == 3
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith(f"Port {port} on 127.0.0.1 is not free (")
    assert said.endswith("Set XIAOER_PORT to another one.")


def test_a_crash_does_not_print_local_variables() -> None:
    assert cli.app.pretty_exceptions_enable is False


# -- understand

QUESTIONS = (
    "where is my parcel #1009, jane{}@example.com",
    "我的快递到哪了 尾号7752 {}",
    "I want a refund for the lamp, it broke after {} days",
    "thanks a lot {}",
)


def test_a_thousand_lines_are_understood_in_under_five_seconds_of_work(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run_process(["understand"], home, '{"id": 1, "text": "hello"}\n').code == 0
    lines = [{"id": n, "text": QUESTIONS[n % 4].format(n)} for n in range(1000)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = run_process(["understand"], home, "\n".join(map(json.dumps, lines)))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Seconds of the processor, not of the clock: other tests run beside this one.
    assert after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime < 5
    assert (ran.code, ran.err) == (0, "")
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert [answer["id"] for answer in told] == list(range(1000))
    assert {tuple(answer) for answer in told} == {("id", "lang", "intents", "sentiment", "slots")}
    assert [answer["intents"][0]["id"] for answer in told[:4]] == [
        "track_parcel",
        "track_parcel",
        "refund_request",
        "thanks_bye",
    ]
    assert [answer["lang"] for answer in told[:2]] == ["en", "zh"]
    assert all(0 <= intent["confidence"] <= 1 for answer in told for intent in answer["intents"])


def test_a_bad_line_is_named_on_stderr_and_the_others_are_answered(xiaoer: Xiaoer) -> None:
    lines = [
        b'{"id": "a", "text": "where is my parcel?"}',
        b"not json",
        b"",
        b'{"id": "c"}',
        b'{"id": "d", "text": null}',
        b"[1, 2]",
        b'{"id": "e", "text": "\xff\xfe"}',
        b'{"id": "half \\ud83d", "text": "order \\ud83d"}',
        b'{"id": "z", "text": "thanks, bye"}',
    ]
    ran = xiaoer("understand", stdin=b"\n".join(lines))
    assert ran.code == 2
    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == ["a", "half \ud83d", "z"]
    numbers = [line.split(":")[0] for line in ran.err.splitlines()]
    assert numbers == ["line 2", "line 4", "line 5", "line 6", "line 7"]
    assert 'expected {"id": …, "text": "…"}' in ran.err


# -- import orders


def order(number: str, **changes: Any) -> str:
    body = {
        "order_no": number,
        "currency": "USD",
        "placed_at": "2026-11-01T09:30:00Z",
        "customer": {"external_id": "c-7", "name": "Ada Fixture", "email": "ada@example.com"},
        "lines": [{"sku": "CUP", "title": "Cup", "quantity": 1, "unit_price": "10.00"}],
        "payments": [{"method": "Visa ···· 4242", "amount": "10.00", "paid_at": "2026-11-01T09:31:00Z"}],
    }
    return json.dumps({**body, **changes})


def test_orders_are_imported_once_however_often_the_file_is(xiaoer: Xiaoer, tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_text("\n".join([order("#7001"), order("#7002")]))
    first = xiaoer("import", "orders", str(file), "--store", "demo-us")
    assert (first.code, first.err) == (0, "")
    assert first.out == "2 orders read: 2 new, 0 changed, 0 unchanged, in demo-us.\n"
    again = xiaoer("import", "orders", str(file), "--store", "demo-us", "--format", "jsonl")
    assert again.out == "2 orders read: 0 new, 0 changed, 2 unchanged, in demo-us.\n"


def test_the_public_shop_is_imported_by_its_own_format(xiaoer: Xiaoer) -> None:
    ran = xiaoer("import", "orders", str(PUBLIC_SHOP), "--store", "demo-us", "--format", "tau2")
    count = len(json.loads(PUBLIC_SHOP.read_text())["orders"])
    assert (ran.code, ran.out) == (
        0,
        f"{count} orders read: {count} new, 0 changed, 0 unchanged, in demo-us.\n",
    )


def test_rows_with_faults_are_named_by_line_and_nothing_is_imported(xiaoer: Xiaoer, tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_text("\n".join([order("#7001"), "{", order("#7003", currency="EUR"), order("#7001")]))
    ran = xiaoer("import", "orders", str(file), "--store", "demo-us")
    assert (ran.code, ran.out) == (2, "")
    named = [line for line in ran.err.splitlines() if line.startswith("orders.jsonl: line ")]
    assert {line.split(":")[1] for line in named} == {" line 2", " line 3", " line 4"}
    assert ran.err.endswith("Nothing was imported: a file is taken whole or not at all.\n")
    file.write_text(order("#7001"))
    assert "1 new" in xiaoer("import", "orders", str(file), "--store", "demo-us").out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--store", "nowhere"), "--store nowhere is not known; there are: demo-cn, demo-us."),
        (("--store", "demo-us", "--format", "csv"), "The format csv is not known; known are jsonl, tau2."),
        (("--store", "demo-us", "--format", "tau2"), "orders.jsonl: "),
    ],
)
def test_what_cannot_be_imported_is_told_with_exit_code_2(
    xiaoer: Xiaoer, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_text(order("#7001"))
    ran = xiaoer("import", "orders", str(file), *words)
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err


def test_a_file_that_is_not_there_is_told(xiaoer: Xiaoer) -> None:
    ran = xiaoer("import", "orders", "/nowhere.jsonl", "--store", "demo-us")
    assert ran.code == 2
    assert "does not exist" in " ".join(ran.err.split())


# -- the knowledge base


def test_knowledge_is_found_as_json_and_only_the_store_s_own(xiaoer: Xiaoer) -> None:
    ran = xiaoer("kb", "search", "how do I pair the earbuds?", "--store", "demo-us", "--json")
    assert (ran.code, ran.err) == (0, "")
    hits = json.loads(ran.out)
    assert hits
    assert [set(hit) for hit in hits] == [{"entry_id", "title", "score", "text", "source"}] * len(hits)
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    assert hits[0]["entry_id"] == "earbuds.battery"
    other = xiaoer("kb", "search", "how do I pair the earbuds?", "--store", "demo-cn", "--json")
    assert "earbuds.battery" not in {hit["entry_id"] for hit in json.loads(other.out)}


def test_a_question_that_nothing_answers_gives_an_empty_list(xiaoer: Xiaoer) -> None:
    assert json.loads(xiaoer("kb", "search", "zzqx vvkw", "--store", "demo-us", "--json").out) == []
    assert xiaoer("kb", "search", "zzqx vvkw", "--store", "demo-us").out == "Nothing answers this.\n"


# -- the two buttons


def test_money_is_paused_and_resumed_from_the_command_line(xiaoer: Xiaoer) -> None:
    assert "money paused in demo-us since" in xiaoer("pause", "money", "--store", "demo-us").out
    assert (paused("demo-us"), paused("demo-cn")) == (True, False)
    assert xiaoer("resume", "money", "--store", "demo-us").out == "money resumed in demo-us.\n"
    assert paused("demo-us") is False
    assert xiaoer("resume", "money").out == "money was not paused in all stores.\n"


def test_one_button_stops_all_stores(xiaoer: Xiaoer) -> None:
    assert "money paused in all stores since" in xiaoer("pause", "money").out
    assert (paused("demo-us"), paused("demo-cn")) == (True, True)


@pytest.mark.parametrize("words", [("everything",), ("money", "--store", "nowhere")])
def test_a_button_that_does_not_exist_is_told(xiaoer: Xiaoer, words: tuple[str, ...]) -> None:
    ran = xiaoer("pause", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.strip().endswith(".")


def paused(store: str) -> bool:
    base = lay_foundation(Settings())
    try:
        with reading(base.desk_engine) as session:
            return is_paused(session, MONEY, store)
    finally:
        base.dispose()


# -- passwords and keys


def test_a_password_is_set_after_it_was_typed_twice(home: Path) -> None:
    base = lay_foundation(Settings())
    ensure_admin(base.desk_engine, "the first password")
    typed = "another one 77\nanother one 77\n"
    ran = CliRunner().invoke(cli.app, ["password"], input=typed)
    assert (ran.exit_code, ran.stdout.splitlines()[-1]) == (0, "admin has a new password.")
    assert "another one 77" not in ran.output
    assert check_password(base.desk_engine, "admin", "another one 77") is not None
    assert check_password(base.desk_engine, "admin", "the first password") is None
    base.dispose()


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("admin", "short", "A password has 10 to 256 characters."),
        ("eve", "long enough", "There is nobody called eve."),
    ],
)
def test_a_password_that_cannot_be_set_is_told(home: Path, name: str, typed: str, sentence: str) -> None:
    ran = CliRunner().invoke(cli.app, ["password", name], input=f"{typed}\n{typed}\n")
    assert ran.exit_code == 2
    assert ran.stderr.splitlines()[-1] == sentence


def test_keys_are_made_once_for_their_owner_only(xiaoer: Xiaoer, home: Path) -> None:
    ran = xiaoer("keys")
    assert ran.code == 0
    grant = home / "keys" / "grant.pem"
    assert f"XIAOER_GRANT_KEY_FILE={grant}" in ran.out
    assert grant.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in (home / "keys" / "verify.json").read_text()
    made = grant.read_bytes()
    assert xiaoer("keys").code == 0
    assert grant.read_bytes() == made
    grant.chmod(0o644)
    refused = xiaoer("keys")
    assert (refused.code, refused.out) == (2, "")
    assert f"Run: chmod 600 {grant}" in refused.err


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
