"""Contexts and grants are believed only when signature, audience and time all fit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from xiaoer.domain.identity import Level, Scope
from xiaoer.domain.permits import Grant, PermitRefused, sign_context, sign_grant, verify_context, verify_grant

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CONTEXT_KEY, GRANT_KEY = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
KEYS = {"context": CONTEXT_KEY.public_key(), "grant": GRANT_KEY.public_key()}
SCOPE = Scope(
    "demo-us",
    "C-1",
    Level.ORDER,
    customer_ref="cust-1",
    verified_at=NOW,
    expires_at=NOW + timedelta(hours=24),
)
GRANT = Grant(
    "G-1", "A-1", "refunds", "issue_refund", "demo-us", "#1004", {"order_no": "#1004"}, "sha256:x", 100, "USD", 3, "v1",
    NOW, NOW + timedelta(seconds=60),
)  # fmt: skip


def test_a_context_carries_the_scope_and_nothing_else() -> None:
    scope = verify_context(sign_context(SCOPE, CONTEXT_KEY, NOW), KEYS, NOW)
    assert (scope.store, scope.conversation_id, scope.level, scope.customer_ref) == (
        "demo-us",
        "C-1",
        2,
        "cust-1",
    )


def test_a_proof_that_has_run_out_is_not_signed_into_a_context() -> None:
    later = NOW + timedelta(hours=25)
    scope = verify_context(sign_context(SCOPE, CONTEXT_KEY, later), KEYS, later)
    assert (scope.level, scope.customer_ref) == (Level.ANONYMOUS, None)


def test_a_grant_comes_back_as_it_was_signed() -> None:
    assert verify_grant(sign_grant(GRANT, GRANT_KEY), KEYS, "refunds", NOW) == GRANT


@pytest.mark.parametrize(
    ("token", "audience", "now", "code"),
    [
        (None, "refunds", NOW, "grant_missing"),
        ("", "refunds", NOW, "grant_missing"),
        (sign_grant(GRANT, CONTEXT_KEY), "refunds", NOW, "grant_invalid"),
        (sign_grant(GRANT, GRANT_KEY) + "x", "refunds", NOW, "grant_invalid"),
        (sign_grant(GRANT, GRANT_KEY), "orders", NOW, "grant_audience"),
        (sign_grant(GRANT, GRANT_KEY), "refunds", NOW + timedelta(seconds=60), "grant_expired"),
        (sign_context(SCOPE, CONTEXT_KEY, NOW), "refunds", NOW, "grant_invalid"),
    ],
)
def test_a_grant_that_does_not_fit_is_refused(token: object, audience: str, now: datetime, code: str) -> None:
    with pytest.raises(PermitRefused) as refused:
        verify_grant(token, KEYS, audience, now)
    assert refused.value.code == code


def test_a_longer_expiry_needs_a_new_signature() -> None:
    stretched = sign_grant(replace(GRANT, expires_at=NOW + timedelta(days=1)), Ed25519PrivateKey.generate())
    with pytest.raises(PermitRefused):
        verify_grant(stretched, KEYS, "refunds", NOW)
