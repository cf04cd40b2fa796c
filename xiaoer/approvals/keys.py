"""Ed25519 keys in files: made, loaded, and refused when others can read them."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from xiaoer.domain.permits import VerifyKeys

KINDS = ("context", "grant")


class KeyFileError(ValueError):
    """A key file that cannot be used, with the sentence that says why and what to do."""


def make_key_file(path: Path) -> Ed25519PrivateKey:
    """Write a new private key (PEM, 0600); never over an existing file."""
    key = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    return key


def load_key_file(path: Path) -> Ed25519PrivateKey:
    """Read a private key; raises KeyFileError when it is missing, open to others, or no Ed25519 key."""
    try:
        mode = path.stat().st_mode
        pem = path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be read: {error.strerror}.") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(
            f"The key file {path} can be read by others (mode {stat.S_IMODE(mode):04o}). Run: chmod 600 {path}"
        )
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"The key file {path} holds no private key in PEM form.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"The key in {path} is not an Ed25519 key.")
    return key


def load_or_make_key(path: Path) -> Ed25519PrivateKey:
    """The key in `path`, made on the first start."""
    if not path.exists():
        try:
            return make_key_file(path)
        except FileExistsError:
            pass  # another process of the same start was faster
    return load_key_file(path)


def write_verify_keys(path: Path, keys: VerifyKeys) -> None:
    """Write the public keys as JSON `{"context": pem, "grant": pem}`."""
    body = {kind: public_pem(keys[kind]) for kind in KINDS}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(body, indent=1))
    fresh.replace(path)


def load_verify_keys(path: Path) -> dict[str, Ed25519PublicKey]:
    """Read the public keys of both kinds; raises KeyFileError with what is missing."""
    try:
        body = json.loads(path.read_text())
        return {kind: _public_key(body[kind]) for kind in KINDS}
    except OSError as error:
        raise KeyFileError(f"The verify keys {path} cannot be read: {error.strerror}.") from error
    except KeyError as error:
        raise KeyFileError(f"The verify keys {path} lack the key {error}.") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(
            f"The verify keys {path} are not JSON with two public keys in PEM form."
        ) from error


def public_pem(key: Ed25519PublicKey) -> str:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def _public_key(pem: str) -> Ed25519PublicKey:
    key = serialization.load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an Ed25519 key")
    return key
