"""Whether a server keeps slashes that are odd: leading, trailing, doubled.

Some drop them: an object would be stored under another name, which may be that of another object.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from url_rewriter.objects.transport.boto import Client
from url_rewriter.objects.transport.verdicts import is_folded
from url_rewriter.urls import ObjectRef

_LISTED = 100  # keys among which one should do

_ODDITIES: dict[re.Pattern[str], Callable[[str], str]] = {
    re.compile("^/"): lambda key: f"/{key}",
    re.compile("/$"): lambda key: f"{key}/",
    re.compile("//"): lambda key: key.replace("/", "//", 1),
}
"""What servers fold, and how a key is made odd in the same way."""


def folding(client: Client, target: ObjectRef) -> str:
    """Why a key may not be stored under its own name; "" where nothing speaks against it.

    Found out by asking for keys that are listed, with their slashes made as odd: a server that
    tells such keys apart denies them.
    """
    if not is_folded(target.key):
        return ""
    known = set(client.first_keys(target.bucket, _LISTED))
    for oddity, make_odd in _ODDITIES.items():
        if not oddity.search(target.key):
            continue
        twins = (make_odd(key) for key in known if not is_folded(key))
        twin = next((each for each in twins if each not in known), None)
        if twin is None:
            return "whether the server keeps its slashes cannot be told: nothing else is there yet"
        if client.head(ObjectRef(target.bucket, twin)).status not in (400, 404):
            return "the server drops slashes of such keys, and would store it under another name"
    return ""
