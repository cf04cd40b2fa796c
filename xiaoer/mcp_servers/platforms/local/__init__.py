"""A shop of our own: a small seller can live on it, and the demo stores do."""

from xiaoer.mcp_servers.platforms.local.demo_data import demo_stores
from xiaoer.mcp_servers.platforms.local.platform import LocalPlatform
from xiaoer.mcp_servers.platforms.local.seed import seed_demo
from xiaoer.mcp_servers.platforms.local.shop import LocalShop

__all__ = ["LocalPlatform", "LocalShop", "demo_stores", "seed_demo"]
