"""Personal data in text: found by shape, check digit and context, and told as typed tokens instead.

Pure: data and small functions. Order and tracking numbers are no personal data here and stay readable.
"""

from __future__ import annotations

from xiaoer.domain.pii.finder import Found, Kind, find_pii
from xiaoer.domain.pii.masking import Masker, mask_text

__all__ = ["Found", "Kind", "Masker", "find_pii", "mask_text"]
