"""Python values as TOML, since configs are TOML for everybody."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

import numpy as np

from ._engine import InputError

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def key(name: str) -> str:
    """A key, quoted where it must be: ``Wpp.1`` is one key."""
    return name if _BARE.fullmatch(name) else _text(name)


def value(given: Any, place: str) -> str:
    """A value on one line; ``place`` is what an error names."""
    if isinstance(given, np.generic):
        given = given.item()
    elif isinstance(given, np.ndarray):
        given = given.tolist()
    match given:
        case bool():
            return "true" if given else "false"
        case int():
            return str(given)
        case float():
            # repr is exact, and TOML's for all but the exponent's form and what is not finite.
            text = repr(given).replace("e+", "e")
            return text if any(c in text for c in ".en") else text + ".0"
        case str():
            return _text(given)
        case PathLike():
            return _text(fspath(given))
        case Mapping():
            inside = (f"{key(str(k))} = {value(v, f'{place}.{k}')}" for k, v in given.items())
            return "{ " + ", ".join(inside) + " }"
        case list() | tuple() | range():
            return "[" + ", ".join(value(v, f"{place}.{i}") for i, v in enumerate(given)) + "]"
    found = type(given).__name__
    raise InputError(f"{place}: a value of type {found}; allowed: bool, int, float, str, path, list, dict")


def _text(given: str) -> str:
    """JSON's strings are TOML's but for one character, as long as none is split in two."""
    if any("\ud800" <= c <= "\udfff" for c in given):
        raise InputError(f"{ascii(given)}: half a character; allowed: text that can be written as UTF-8")
    return json.dumps(given, ensure_ascii=False).replace("\x7f", "\\u007f")


def document(config: Mapping[str, Any]) -> str:
    """A config as TOML: plain keys first, then a table for each mapping, so that errors can point at a line."""
    plain = {k: v for k, v in config.items() if not isinstance(v, Mapping)}
    tables = {k: v for k, v in config.items() if isinstance(v, Mapping)}
    lines = [f"{key(str(k))} = {value(v, str(k))}" for k, v in plain.items()]
    for name, table in tables.items():
        lines.append(f"\n[{key(str(name))}]")
        lines.extend(f"{key(str(k))} = {value(v, f'{name}.{k}')}" for k, v in table.items())
    return "\n".join(lines) + "\n"


def changes(config: Mapping[str, Any], path: str = "") -> list[str]:
    """A nested mapping of changes as KEY=VALUE, one for each leaf. A dotted key is a path at the top, and one key within."""
    found: list[str] = []
    for name, given in config.items():
        place = f"{path}.{key(str(name))}" if path else str(name)
        if isinstance(given, Mapping) and given:
            found.extend(changes(given, place))
        else:
            found.append(f"{place}={value(given, place)}")
    return found
