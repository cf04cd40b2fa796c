"""Signed turn contexts and single-use grants: what they say, and how a server verifies them.

Both are compact EdDSA JWTs (RFC 8037). Signing lives with the key holders (`tools.scope` for
contexts, `approvals.grants` for grants); every server verifies with public keys alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from xiaoer.domain.identity import Level, Scope

META_CONTEXT = "xiaoer/context"
META_GRANT = "xiaoer/grant"
META_KEY = "xiaoer/key"  # idempotency key of a reversible write: (turn, tool, digest of arguments)

CONTEXT_AUDIENCE = "xiaoer:context"

VerifyKeys = Mapping[str, Ed25519PublicKey]  # "context" and "grant", by role


class PermitRefused(Exception):
    """A context or grant that does not fit. `code` is a fixed word, the message a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person (or a named rule) allowed, exactly, on one server, for seconds.

    `tool` is the irreversible tool that may run. For the executor's own look-ups (`quote` before,
    `get_effect` after) a grant names that read instead and is not spent.
    """

    grant_id: str
    action_id: str  # also the idempotency key of the effect
    audience: str  # "refunds", "orders", …
    tool: str
    store: str
    order_no: str
    args: dict[str, Any]  # exactly the arguments the tool will be called with
    digest: str  # over the action's terms, see domain.actions
    amount_minor: int | None
    currency: str | None
    order_version: int
    policy_version: str
    issued_at: datetime
    expires_at: datetime


def sign_context(scope: Scope, key: Ed25519PrivateKey, now: datetime, seconds: int = 120) -> str:
    claims = {
        "aud": CONTEXT_AUDIENCE,
        "iat": _epoch(now),
        "exp": _epoch(now + timedelta(seconds=seconds)),
        "store": scope.store,
        "conv": scope.conversation_id,
        "level": int(scope.level) if scope.proven(now) else 0,
        "ext": scope.external_id,
        "cust": scope.customer_ref if scope.proven(now) else None,
    }
    if scope.only_order is not None:
        claims["only"] = scope.only_order
    if scope.began_at is not None:
        claims["began"] = _epoch(scope.began_at)
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": "context"})


def verify_context(token: object, keys: VerifyKeys, now: datetime) -> Scope:
    return verify_context_until(token, keys, now)[0]


def verify_context_until(token: object, keys: VerifyKeys, now: datetime) -> tuple[Scope, float]:
    """The scope, and until when (seconds since 1970) this very token says so."""
    claims = _decode(token, keys, "context", CONTEXT_AUDIENCE, now)
    scope = Scope(
        store=claims["store"],
        conversation_id=claims["conv"],
        level=Level(claims["level"]),
        external_id=claims["ext"],
        customer_ref=claims["cust"],
        only_order=claims.get("only"),
        began_at=datetime.fromtimestamp(claims["began"], UTC) if "began" in claims else None,
    )
    return scope, float(claims["exp"])


def sign_grant(grant: Grant, key: Ed25519PrivateKey) -> str:
    body = asdict(grant)
    body.pop("issued_at")
    body.pop("expires_at")
    claims = {
        "aud": f"xiaoer:{grant.audience}",
        "jti": grant.grant_id,
        "iat": _epoch(grant.issued_at),
        "exp": _epoch(grant.expires_at),
        "grant": body,
    }
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": "grant"})


def verify_grant(token: object, keys: VerifyKeys, audience: str, now: datetime) -> Grant:
    """Signature, audience and expiry; the caller matches tool, store, order, args and spends it."""
    claims = _decode(token, keys, "grant", f"xiaoer:{audience}", now)
    return Grant(
        **claims["grant"],
        issued_at=datetime.fromtimestamp(claims["iat"], UTC),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
    )


def _decode(token: object, keys: VerifyKeys, kind: str, audience: str, now: datetime) -> dict[str, Any]:
    if not isinstance(token, str) or not token:
        raise PermitRefused(f"{kind}_missing", f"This call needs a {kind}, and none came with it.")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            keys[kind],
            algorithms=["EdDSA"],
            audience=audience,
            # Expiry is checked below against the injected clock.
            options={"verify_exp": False, "verify_iat": False, "require": ["exp", "aud"]},
        )
    except jwt.InvalidAudienceError as error:
        raise PermitRefused(f"{kind}_audience", f"The {kind} was made for another server.") from error
    except jwt.PyJWTError as error:
        raise PermitRefused(f"{kind}_invalid", f"The {kind} is not genuine.") from error
    if _epoch(now) >= claims["exp"]:
        raise PermitRefused(f"{kind}_expired", f"The {kind} has expired.")
    return claims


def _epoch(moment: datetime) -> float:
    return moment.timestamp()
