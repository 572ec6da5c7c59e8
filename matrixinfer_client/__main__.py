"""`python -m matrixinfer_client`: the same program as `matrixinfer`."""

from __future__ import annotations

import sys

from matrixinfer_client.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
