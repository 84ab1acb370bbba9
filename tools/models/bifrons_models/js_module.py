"""Reads what a JavaScript file exports, without running it.

Some packages keep weights as JavaScript: a bundle that ends in
``module.exports = {...}`` or ``... = "base64"``. The literal is read here as
data, in the few forms a minifier leaves; anything else is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any

_EXPORTS = re.compile(r"\.exports=(?=[{\"])")
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*")
      | (?P<key>[A-Za-z_$][\w$]*)(?=:)
      | (?P<word>!0|!1|null)
      | (?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<mark>[{}\[\],:])""",
    re.VERBOSE,
)
_WORDS = {"!0": "true", "!1": "false", "null": "null"}


def exported(source: str) -> Any:
    """The first literal that is exported: an object or a string.

    Raises ``ValueError`` when there is none, or something in it is no data.
    """
    start = _EXPORTS.search(source)
    if start is None:
        raise ValueError("nothing is exported")
    written: list[str] = []
    position, depth = start.end(), 0
    while True:
        token = _TOKEN.match(source, position)
        if token is None:
            raise ValueError(f"no data at {position}: {source[position : position + 20]!r}")
        position = token.end()
        text = token.group()
        written.append(_as_json(token.lastgroup, text))
        depth += (text in ("{", "[")) - (text in ("}", "]"))
        if depth == 0:
            return json.loads("".join(written))


def _as_json(kind: str | None, text: str) -> str:
    if kind == "key":
        return json.dumps(text)
    if kind == "word":
        return _WORDS[text]
    if kind == "number":
        return repr(float(text)) if re.search(r"[.eE]", text) else text
    return text
