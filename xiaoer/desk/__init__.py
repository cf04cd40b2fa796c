"""The console for people: pages and the staff API."""

from xiaoer.desk.api import build_api_router
from xiaoer.desk.pages import build_desk_router
from xiaoer.desk.services import DeskServices
from xiaoer.desk.staff import ensure_admin

__all__ = ["DeskServices", "build_api_router", "build_desk_router", "ensure_admin"]
