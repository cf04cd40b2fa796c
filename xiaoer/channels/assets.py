"""Static files, read once at start and served under the hash of their content, for ever cacheable."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import Response

from xiaoer.channels.errors import Problem

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".LICENSE": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Assets:
    """`url("chat.js")` is the address of a file; modules import each other relatively, in one version."""

    prefix: str
    version: str
    files: dict[str, bytes]

    @classmethod
    def load(cls, folder: Path, prefix: str) -> Assets:
        paths = sorted(path for path in folder.rglob("*") if path.suffix in _TYPES)
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        whole = hashlib.sha256(b"\x00".join(name.encode() + body for name, body in files.items()))
        return cls(prefix, whole.hexdigest()[:12], files)

    def url(self, name: str) -> str:
        if name not in self.files:
            raise KeyError(f"no asset {name}")
        return f"{self.prefix}/{self.version}/{name}"

    def serve(self, version: str, name: str) -> Response:
        """The file; an old version's address answers with today's file, uncached."""
        body = self.files.get(name)
        if body is None:
            raise Problem(404)
        lasting = version == self.version
        return Response(
            body,
            media_type=_TYPES[Path(name).suffix],
            headers={
                "Cache-Control": "public, max-age=31536000, immutable" if lasting else "no-store",
                "X-Content-Type-Options": "nosniff",
            },
        )
