"""From objects to JSON and back."""

from __future__ import annotations

import dataclasses
import types
from datetime import datetime, timezone
from enum import Enum
from functools import cache
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class Unset(Enum):
    """Marks a field that is not sent; ``None`` is sent, as null."""

    UNSET = "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET


def encode(value: Any) -> Any:
    """Return ``value`` as ``json`` can write it."""
    if dataclasses.is_dataclass(value):
        pairs = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {_wire(name): encode(item) for name, item in pairs if item is not UNSET}
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {name: encode(item) for name, item in value.items()}
    return value


def decode(kind: type[T], value: Any) -> T:
    """Return what ``value``, read from JSON, is as ``kind``. Fields that the kind does not have are left out: a newer
    server may send some."""
    return _decode(kind, value)  # type: ignore[no-any-return]


def _decode(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    origin = get_origin(kind)
    if origin is Union or origin is types.UnionType:
        present = [item for item in get_args(kind) if item not in (type(None), Unset)]
        return _decode(present[0], value) if len(present) == 1 else value
    if origin is list:
        return [_decode(get_args(kind)[0], item) for item in value]
    if origin is dict:
        return {name: _decode(get_args(kind)[1], item) for name, item in value.items()}
    if kind is datetime:
        # Python 3.10 knows no "Z".
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        fields = ((name, hint, _wire(name)) for name, hint in _hints(kind).items())
        return kind(**{name: _decode(hint, value[wire]) for name, hint, wire in fields if wire in value})
    return value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _wire(name: str) -> str:
    """A field whose name Python keeps for itself has an underscore behind it."""
    return name.removesuffix("_")
