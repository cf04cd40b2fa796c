from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlmodel import select
from support.case_world import NOON, make_draft

from xiaoer.approvals import ledger
from xiaoer.approvals.grants import GrantSigner
from xiaoer.approvals.keys import (
    KeyFileError,
    load_key_file,
    load_or_make_key,
    load_verify_keys,
    make_key_file,
    public_pem,
    write_verify_keys,
)
from xiaoer.approvals.tables import IssuedGrant
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.permits import PermitRefused, verify_grant
from xiaoer.storage.engine import transaction


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "keys" / "grant.pem"
    made = load_or_make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert public_pem(load_or_make_key(path).public_key()) == public_pem(made.public_key())
    with pytest.raises(FileExistsError):
        make_key_file(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_that_others_can_read_is_refused_with_the_way_to_mend_it(tmp_path, mode):
    path = tmp_path / "grant.pem"
    make_key_file(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_key_file(path)


def test_a_file_without_a_fitting_key_is_refused_in_words(tmp_path):
    path = tmp_path / "grant.pem"
    with pytest.raises(KeyFileError, match="cannot be read"):
        load_key_file(path)
    path.touch(0o600)
    path.write_text("not a key")
    with pytest.raises(KeyFileError, match="no private key"):
        load_key_file(path)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.write_bytes(
        other.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    with pytest.raises(KeyFileError, match="not an Ed25519 key"):
        load_key_file(path)


def test_verify_keys_travel_as_json_of_public_keys(tmp_path):
    keys = {kind: make_key_file(tmp_path / kind).public_key() for kind in ("context", "grant")}
    path = tmp_path / "verify.json"
    write_verify_keys(path, keys)
    assert "PRIVATE" not in path.read_text()
    assert {kind: public_pem(key) for kind, key in load_verify_keys(path).items()} == {
        kind: public_pem(key) for kind, key in keys.items()
    }
    path.write_text(json.dumps({"context": public_pem(keys["context"])}))
    with pytest.raises(KeyFileError, match="grant"):
        load_verify_keys(path)
    path.write_text("{")
    with pytest.raises(KeyFileError):
        load_verify_keys(path)


def test_a_grant_says_exactly_what_was_approved_for_one_server_for_a_minute(sqlite_engine):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signer = GrantSigner(Ed25519PrivateKey.generate())
    terms = make_draft().terms
    with transaction(sqlite_engine) as session:
        ledger.propose(session, make_draft(), ActionStatus.PENDING, NOON)
        token = signer.issue(session, terms, "refunds", "issue_refund", terms.args, NOON)
        row = session.exec(select(IssuedGrant)).one()
    grant = verify_grant(token, {"grant": signer.public_key}, "refunds", NOON)
    said = asdict(grant)
    assert {
        name: said[name] for name in ("action_id", "tool", "store", "order_no", "args", "amount_minor")
    } == {
        "action_id": "A-1",
        "tool": "issue_refund",
        "store": "demo-us",
        "order_no": "#1032",
        "args": terms.args,
        "amount_minor": 4900,
    }
    assert (grant.digest, grant.grant_id) == (terms.digest(), row.jti)
    assert (grant.expires_at - grant.issued_at).total_seconds() == 60
    with pytest.raises(PermitRefused) as caught:
        verify_grant(token, {"grant": signer.public_key}, "orders", NOON)
    assert caught.value.code == "grant_audience"
