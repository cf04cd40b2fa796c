"""Orders from files into the local shop: one reader a format, one way in."""

from xiaoer.mcp_servers.platforms.importers.imports import FORMATS, import_orders
from xiaoer.mcp_servers.platforms.importers.report import ImportReport, RowError

__all__ = ["FORMATS", "ImportReport", "RowError", "import_orders"]
