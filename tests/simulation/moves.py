"""What an application does to its documents, by the names that scenarios give it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulation.clock import CLOCK
from tests.simulation.database import Database, Leaf, Place, copied, leaves, put, spelled
from tests.simulation.scenario import Move
from tests.simulation.vocabulary import TEXTS

Tree = dict[str, Any]


def text_of(number: int) -> str:
    """What the application writes where a scenario says a number."""
    return TEXTS[number % len(TEXTS)]


def leaf(text: str) -> Leaf:
    """A string that the application writes now."""
    return Leaf(text, CLOCK.tick())


def planted(tree: Any) -> Any:
    """A tree of leaves from a scenario's tree of numbers."""
    if isinstance(tree, dict):
        return {name: planted(each) for name, each in tree.items()}
    if isinstance(tree, list):
        return [planted(each) for each in tree]
    return leaf(text_of(tree))


def carry_out(database: Database, move: Move) -> str:
    """Do it, and say what was done; "" where there is nothing to do it to."""
    if move.kind == "create":
        path = f"users/u{move.a}"
        if path in database.lives:
            return ""
        database.create(path, {"image": leaf(text_of(move.b)), "files": [leaf(text_of(move.c))]})
        return f"{path} is made"
    paths = sorted(database.lives)
    if not paths:
        return ""
    path = paths[move.a % len(paths)]
    if move.kind in _OF_DOCUMENTS:
        return _OF_DOCUMENTS[move.kind](database, path, move)
    said = ""

    def change(tree: Tree) -> None:
        nonlocal said
        said = _IN_DOCUMENTS[move.kind](tree, move)

    database.change(path, change)
    return said and f"{path}: {said}"


# -- whole documents ----------------------------------------------------------------------------


def _delete(database: Database, path: str, move: Move) -> str:
    database.delete(path)
    return f"{path} is deleted"


def _recreate(database: Database, path: str, move: Move) -> str:
    """Delete and make again, with the same strings, now the application's own."""
    tree = _rewritten(database.lives[path].tree)
    database.delete(path)
    database.create(path, tree)
    return f"{path} is deleted and made again"


def _move(database: Database, path: str, move: Move) -> str:
    target = f"users/u{move.b % 6}"
    if target in database.lives:
        return ""
    database.create(target, _rewritten(database.lives[path].tree))
    database.delete(path)
    return f"{path} moves to {target}"


def _rewritten(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: _rewritten(each) for name, each in tree.items()}
    if isinstance(tree, list):
        return [_rewritten(each) for each in tree]
    return leaf(tree.text) if isinstance(tree, Leaf) else tree


_OF_DOCUMENTS: dict[str, Callable[[Database, str, Move], str]] = {
    "delete": _delete,
    "recreate": _recreate,
    "move": _move,
}


# -- strings and fields -------------------------------------------------------------------------


def _pick(tree: Tree, number: int) -> tuple[Place, Leaf] | None:
    found = list(leaves(tree))
    return found[number % len(found)] if found else None


def _edit(tree: Tree, move: Move) -> str:
    if (found := _pick(tree, move.b)) is None:
        return ""
    place, old = found
    put(tree, place, leaf(f"edited {old.text}"))
    return f"{spelled(place)} is edited"


def _other(tree: Tree, move: Move) -> str:
    if (found := _pick(tree, move.b)) is None:
        return ""
    put(tree, found[0], leaf(text_of(move.c)))
    return f"{spelled(found[0])} = {text_of(move.c)!r}"


def _restore(tree: Tree, move: Move) -> str:
    """Put an old value back, by hand."""
    ours = [(place, each) for place, each in leaves(tree) if each.previous is not None]
    if not ours:
        return ""
    place, each = ours[move.b % len(ours)]
    put(tree, place, leaf(each.own.text))
    return f"{spelled(place)} is restored by hand"


def _swap(tree: Tree, move: Move) -> str:
    one, other = _pick(tree, move.b), _pick(tree, move.c)
    if one is None or other is None or one[1].text == other[1].text:
        return ""
    put(tree, one[0], other[1])
    put(tree, other[0], one[1])
    return f"{spelled(one[0])} and {spelled(other[0])} are swapped"


def _copy(tree: Tree, move: Move) -> str:
    if (found := _pick(tree, move.b)) is None:
        return ""
    name = ("image", "copied", "note")[move.c % 3]
    tree[name] = leaf(found[1].text)
    return f"{spelled(found[0])} is copied to {name}"


def _rename(tree: Tree, move: Move) -> str:
    names = list(tree)
    new = ("image", "picture", "note", "list")[move.c % 4]
    if not names or new in tree:
        return ""
    old = names[move.b % len(names)]
    tree[new] = tree.pop(old)
    return f"{old} is renamed {new}"


def _retype(tree: Tree, move: Move) -> str:
    if (found := _pick(tree, move.b)) is None:
        return ""
    place, each = found
    put(tree, place, [each] if move.c % 2 else {"url": each})
    return f"{spelled(place)} becomes {'an array' if move.c % 2 else 'a map'}"


def _touch(tree: Tree, move: Move) -> str:
    tree["views"] = tree.get("views", 0) + 1
    return "views + 1"


def _replace(tree: Tree, move: Move) -> str:
    """The whole document is written from what the application has in mind."""
    tree.clear()
    tree["image"] = leaf(text_of(move.b))
    tree["files"] = [leaf(text_of(move.c)), leaf(text_of(move.b + move.c))]
    return "is written anew"


# -- arrays -------------------------------------------------------------------------------------


def _array(tree: Tree) -> list[Any] | None:
    return next((each for each in tree.values() if isinstance(each, list)), None)


def _insert(tree: Tree, move: Move) -> str:
    if (array := _array(tree)) is None:
        return ""
    place = move.b % (len(array) + 1)
    array.insert(place, leaf(text_of(move.c)))
    return f"inserted at {place}: {text_of(move.c)!r}"


def _append(tree: Tree, move: Move) -> str:
    if (array := _array(tree)) is None:
        return ""
    array.append(leaf(text_of(move.c)))
    return f"appended: {text_of(move.c)!r}"


def _remove(tree: Tree, move: Move) -> str:
    array = _array(tree)
    if not array:
        return ""
    del array[move.b % len(array)]
    return f"element {move.b % (len(array) + 1)} is removed"


def _rotate(tree: Tree, move: Move) -> str:
    array = _array(tree)
    if not array or len(array) < 2:
        return ""
    array.append(array.pop(0))
    return "the array is rotated"


def _duplicate(tree: Tree, move: Move) -> str:
    array = _array(tree)
    if not array:
        return ""
    place = move.b % len(array)
    array.insert(place + move.c % 2, _rewritten(copied(array[place])))
    return f"element {place} is duplicated"


_IN_DOCUMENTS: dict[str, Callable[[Tree, Move], str]] = {
    "edit": _edit, "other": _other, "swap": _swap, "copy": _copy, "rename": _rename,
    "retype": _retype, "insert": _insert, "remove": _remove, "append": _append,
    "rotate": _rotate, "duplicate": _duplicate, "restore": _restore, "touch": _touch,
    "replace": _replace,
}  # fmt: skip
