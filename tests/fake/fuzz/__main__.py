"""Do the fake API server and the real one agree?

    python -m tests.fake.fuzz --operations 5000 --seed 1

Starts a real API server, sends random sequences of requests to both, and compares the answers.
Prints the shortest sequence that shows a difference, and exits with 1 if there is any.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.cluster.crds import platform_crds
from tests.cluster.server import ApiServer
from tests.fake.fuzz.session import session

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the session and print what it found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fake.fuzz", description=__doc__)
    parser.add_argument("--operations", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first sequence")
    parser.add_argument("--show", type=int, default=5, help="sequences with differences to show")
    options = parser.parse_args(arguments)
    with ApiServer() as server:
        server.install_crds(platform_crds())
        with session(server) as running:
            started = time.monotonic()
            tally = running.run(
                options.operations, options.seed, first=options.first, most=options.show
            )
            seconds = time.monotonic() - started
            for operations, difference in tally.differing:
                sys.stdout.write(f"{running.explain(operations, difference)}\n\n")
    for number, difference in tally.once:
        sys.stdout.write(f"sequence {number}, not again: {difference}\n")
    sys.stdout.write(f"seed {options.seed}: {tally}, in {seconds:.0f} s\n")
    return 1 if tally.differing else 0


if __name__ == "__main__":
    sys.exit(main())
