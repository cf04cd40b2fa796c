"""Xiaoer, an AI service desk for clusters of online shops."""

import os

# LangGraph reads this when it is imported, and by itself would build any object that stands in a
# checkpoint (CVE-2026-28277). The one line of this package that runs on import.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
