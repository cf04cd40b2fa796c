"""The web channel: sessions, messages, live events, the chat page and the widget."""

from xiaoer.channels.web.router import build_web_router

__all__ = ["build_web_router"]
