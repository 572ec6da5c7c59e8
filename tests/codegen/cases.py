"""Golden cases: small documents, one idea each, and the trees that must come of them.

`python -m tests.codegen.cases [NAME ...]` writes the expected trees anew, of all cases without a
name. Read the difference before committing it: it is the review of a change to the generator.
"""

from __future__ import annotations

import sys
from pathlib import Path

from codegen.document import read
from codegen.output import write
from codegen.render import HEADER, render
from codegen.understand import understand

GOLDEN = Path(__file__).parent / "golden"
RUNTIME = "matrixinfer_client"


def cases() -> list[str]:
    """The names of the cases, sorted."""
    return sorted(path.parent.name for path in GOLDEN.glob("*/openapi.yaml"))


def generated(document: Path, package: str) -> dict[str, str]:
    """What the generator makes of a document, without the copy of the document itself."""
    read_document = read(document)
    files = render(understand(read_document), read_document, package, RUNTIME)
    del files["openapi.json"]
    return files


def of_case(name: str) -> dict[str, str]:
    """What the generator makes of a case, as a package with the case's name."""
    return generated(GOLDEN / name / "openapi.yaml", name.replace("-", "_"))


def expected(name: str) -> dict[str, str]:
    """The tree that a case must give."""
    root = GOLDEN / name / "expected"
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(root.rglob("*.py"))
    }


if __name__ == "__main__":
    for case in sys.argv[1:] or cases():
        for changed in write(of_case(case), GOLDEN / case / "expected", HEADER):
            sys.stdout.write(f"{case}: {changed}\n")
