"""Hashing a chosen password ourselves, for a directory that does not (``password.hash = "argon2id"``)."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.low_level import Type

_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1, type=Type.ID)
"""OWASP's figures for argon2id: 19 MiB, 2 passes, 1 lane; 50 to 60 ms a bind."""


def argon2id(password: str) -> str:
    """``{ARGON2}$argon2id$…``, which slapd verifies with its argon2 module."""
    return "{ARGON2}" + _HASHER.hash(password)
