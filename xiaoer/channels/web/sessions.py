"""Who writes: a signed session, bound to one store and one conversation."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeTimedSerializer

from xiaoer.channels.errors import Problem

SESSION_DAYS = 30
_SALT = "xiaoer.web.session.v1"


@dataclass(frozen=True, slots=True)
class WebSession:
    store: str
    conversation_id: str
    thread: str
    external_id: str | None = None  # proven by the shop's signature, else None
    name: str = ""


def seal_session(secret_key: str, session: WebSession) -> str:
    """The token that the browser keeps; its content is readable but cannot be altered."""
    body = [session.store, session.conversation_id, session.thread, session.external_id, session.name]
    return str(URLSafeTimedSerializer(secret_key, salt=_SALT).dumps(body))


def read_session(secret_key: str, token: str, store: str) -> WebSession:
    """The session behind a token; 401 when it is forged, too old or another store's."""
    try:
        body = URLSafeTimedSerializer(secret_key, salt=_SALT).loads(token, max_age=SESSION_DAYS * 86_400)
        session = WebSession(*body)
    except (BadSignature, TypeError, ValueError) as error:
        raise _refused() from error
    if session.store != store:
        raise _refused()
    return session


def check_signature(secret: str | None, external_id: str, signature: str) -> None:
    """The shop vouches for this visitor: hex HMAC-SHA256 of the id under its widget secret."""
    if not secret:
        raise Problem(
            400,
            "This store has no widget secret, so a signed id cannot be checked. Leave external_id and signature out.",
            "no_widget_secret",
        )
    wanted = hmac.new(secret.encode(), external_id.encode(), hashlib.sha256).hexdigest()
    # Bytes, because compare_digest refuses text that is not ASCII.
    if not hmac.compare_digest(wanted.encode(), signature.lower().encode()):
        raise Problem(401, "The signature does not fit this external id.", "bad_signature")


def _refused() -> Problem:
    return Problem(
        401,
        "This session is not valid here. Open a new one.",
        "bad_session",
        headers={"WWW-Authenticate": "Bearer"},
    )
