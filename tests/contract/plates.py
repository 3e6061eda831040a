"""Write on the front plates what the code says: `python -m tests.contract.plates`.

A plate's first line, its locks and what to read first are a person's.
"""

import ast
import re
import textwrap
from collections.abc import Iterable

from tests.contract.house import House, houses, kind_of

_WIDTH = 120


def heard(house: House) -> list[str]:
    """Return the names of the events that the lists of a feature subscribe to."""
    return sorted(
        {
            node.args[0].id
            for path, tree in house.modules()
            if kind_of(path) == "feature"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id.endswith("Subscription")
            and isinstance(node.args[0], ast.Name)
        }
    )


def rewrite(house: House) -> None:
    """Bring the lines of a plate up to date; names that stood there keep their order."""
    path = house.folder / "__init__.py"
    text = path.read_text(encoding="utf-8")
    for word, names in {
        "Owns": house.tables,
        "Tells": {event.__name__ for event in house.events},
        "Hears": heard(house),
    }.items():
        text = re.sub(rf"^{word}: .*\n(?:  .*\n)*", _line(word, house, names), text, flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")


def _line(word: str, house: House, names: Iterable[str]) -> str:
    before = [name.strip() for name in house.plate.get(word, "").split(",")]
    known = set(names)
    kept = [name for name in before if name in known]
    said = ", ".join([*kept, *sorted(known - set(kept))]) or "nothing"
    return textwrap.fill(f"{word}: {said}", _WIDTH, subsequent_indent="  ", break_on_hyphens=False) + "\n"


if __name__ == "__main__":
    for each in houses():
        rewrite(each)
