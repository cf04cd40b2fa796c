"""A shop of our own: a small seller can live on it, and the demo stores do."""

from xiaoer.mcp_servers.platforms.local.platform import LocalPlatform

__all__ = ["LocalPlatform"]
