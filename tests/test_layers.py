"""The architecture page shows the layers that the lint session checks."""

from __future__ import annotations

import re
import tomllib

from tests.pages import ROOT, blocks


def contract() -> list[str]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = document["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["id"] == "layers"]
    # Parentheses are for modules that nothing public needs yet.
    present = [re.sub(r"( \| )?\(\w+\)", "", layer) for layer in layers]
    return [layer for layer in present if layer]


def test_the_page_shows_the_layers_of_the_contract_in_order() -> None:
    (shown,) = [
        text for text in blocks(ROOT / "docs" / "architecture.md", "text") if "kinds | " in text
    ]
    assert [re.split(r"  +", line)[0] for line in shown.splitlines()] == contract()
