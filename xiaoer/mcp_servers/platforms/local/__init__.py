"""A shop of our own: a small seller can live on it, and the demo stores do."""

from xiaoer.mcp_servers.platforms.local.demo_data import demo_stores
from xiaoer.mcp_servers.platforms.local.platform import LocalPlatform
from xiaoer.mcp_servers.platforms.local.seed import seed_demo

__all__ = ["LocalPlatform", "demo_stores", "seed_demo"]
