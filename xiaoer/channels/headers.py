"""The headers under which our pages and answers travel."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

# For answers that are data: nothing may be embedded, sniffed or kept.
DATA_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def new_nonce() -> str:
    return secrets.token_urlsafe(16)


def page_headers(
    nonce: str, frame_ancestors: Sequence[str] = ("'none'",), *, forms: bool = False
) -> dict[str, str]:
    """Strict CSP: own files and nonced blocks only; a frame only where the seller allows it."""
    policy = {
        "default-src": "'none'",
        "script-src": f"'self' 'nonce-{nonce}'",
        "style-src": f"'self' 'nonce-{nonce}'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "font-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "object-src": "'none'",
        "form-action": "'self'" if forms else "'none'",
        "frame-ancestors": " ".join(frame_ancestors),
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        # With no-referrer a browser would post our own forms with "Origin: null".
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    if tuple(frame_ancestors) == ("'none'",):
        # Older browsers know only this header; it cannot name other sites, so a frame goes without.
        headers["X-Frame-Options"] = "DENY"
    return headers
