"""cairo, the drawing library of the system, where the system has it: a portal without letters does without it too."""

from __future__ import annotations

from typing import Any

from connector.errors import SettingsInvalid
from connector.wording import _

cairocffi: Any
try:
    import cairocffi  # type: ignore[no-redef]
except OSError:  # cairocffi itself is there, libcairo is not
    cairocffi = None


def require() -> None:
    """Raises SettingsInvalid where the system has no cairo."""
    if cairocffi is None:
        raise SettingsInvalid([_("letters and charts need cairo on this host: apt-get install libcairo2")])
