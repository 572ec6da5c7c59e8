"""The program `matrixinfer`, also `python -m matrixinfer_client`.

Its libraries are the extra `cli`; nothing else in the package imports them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]

_MISSING = """\
matrixinfer: the command line needs the package {}, which is not installed:

    pip install 'matrixinfer-client[cli]'
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code.

    It is 0 when everything went as it should, 1 when something did not, 2 when the program was
    called in a wrong way, and 130 when Ctrl-C ended it.

    Args:
        arguments: What stands after the program's name. Default: that of this process.
    """
    try:
        from matrixinfer_client.cli.program import run  # noqa: PLC0415
    except ModuleNotFoundError as error:
        # Anything else is a defect of an installation, and its traceback says which.
        if error.name != "click":
            raise
        sys.stderr.write(_MISSING.format(error.name))
        return 1
    except KeyboardInterrupt:
        return 130
    return run(arguments)
