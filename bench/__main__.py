"""`python -m bench [ROW ...]`: runs the rows whose name contains a given word, all by default."""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from bench import imports, local
from bench.contenders import CONTENDERS


@attrs.frozen
class Row:
    """One measurement: what is done, by whom, and what is allowed."""

    name: str
    what: str
    job: str
    contenders: tuple[str, ...]
    count: int
    warm: int = 0
    metric: str = "cpu"
    # Largest allowed ratio of ours to each contender; one that is missing is shown for scale.
    budgets: dict[str, float] = attrs.field(factory=dict)


EVERYBODY = ("ours", "floor", "lightkube", "official")
ROWS = (
    Row("get", "get, sync", "get", EVERYBODY, 1500, 50, budgets={"floor": 1.1}),
    Row("create", "create, sync", "create", EVERYBODY, 1500, 50, budgets={"floor": 1.1}),
    Row(
        "aget",
        "get, async, 64 in flight (floor: aiohttp + msgspec)",
        "aget",
        EVERYBODY,
        6400,
        64,
        budgets={"floor": 2.0, "lightkube": 1.0, "official": 1.0},
    ),
    Row(
        "acreate",
        "1,000 creates, async, 64 in flight",
        "acreate",
        ("ours", "floor", "httpx", "lightkube", "official"),
        1000,
        64,
        budgets={"httpx": 0.1, "lightkube": 1.0, "official": 1.0},
    ),
    Row(
        "list names",
        "list of 10,000 Models, names and conditions read",
        "list_names",
        EVERYBODY,
        10_000,
        100,
        budgets={"floor": 1.0, "lightkube": 1.0, "official": 1.0},
    ),
    Row(
        "list everything",
        "list of 10,000 Models, everything read",
        "list_all",
        ("ours", "floor", "lightkube"),
        10_000,
        100,
        budgets={"lightkube": 2.0},
    ),
    Row(
        "list memory",
        "the same, peak memory",
        "list_all",
        ("ours", "lightkube"),
        10_000,
        10,
        metric="peak",
        budgets={"lightkube": 1.0},
    ),
    Row(
        "list kept",
        "list of 10,000 Models held, peak memory",
        "list_keep",
        ("ours", "lightkube"),
        10_000,
        10,
        metric="peak",
    ),
    Row(
        "watch",
        "watch, 20,000 events, name and conditions read",
        "watch",
        ("ours", "floor", "lightkube"),
        20_000,
        0,
        budgets={"floor": 1.2, "lightkube": 1.0},
    ),
)


@contextlib.contextmanager
def canned_server() -> Iterator[str]:
    """The canned server in its own process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def measure(row: Row, url: str, rounds: int) -> dict[str, float]:
    """The best of several rounds per contender, the contenders taking turns."""
    results: dict[str, list[float]] = {name: [] for name in row.contenders}
    for _ in range(rounds):
        for name in row.contenders:
            command = [url, name, row.job, str(row.count), str(row.warm), row.metric]
            output = subprocess.run(
                [sys.executable, "-m", "bench.worker", *command],
                check=True,
                capture_output=True,
                text=True,
            )
            results[name].append(json.loads(output.stdout.splitlines()[-1]))
    # The least disturbed run for time; for memory there is nothing to be disturbed.
    best: Callable[[list[float]], float] = min if row.metric == "cpu" else statistics.median
    return {name: best(values) for name, values in results.items()}


def report(what: str, cost: dict[str, float], budgets: dict[str, float], unit: str) -> bool:
    """Print a row; returns whether its budgets are met."""
    ours = cost["ours"]
    print(f"\n{what}\n  {'matrixinfer-client':28} {ours:10.2f} {unit}")
    met = True
    for name, value in cost.items():
        if name == "ours":
            continue
        label = CONTENDERS[name].label if name in CONTENDERS else name
        verdict = ""
        if name in budgets:
            kept = ours / value <= budgets[name]
            met = met and kept
            verdict = f"budget {budgets[name]:g}: {'met' if kept else 'MISSED'}"
        print(f"  {label:28} {value:10.2f} {unit}   ours is {ours / value:6.2f} x   {verdict}")
    sys.stdout.flush()
    return met


def main() -> int:
    """Run the rows asked for; exit status 1 if a budget is missed."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("rows", nargs="*", help="words in the names of rows; default: all rows")
    parser.add_argument("--rounds", type=int, default=3, help="rounds per contender; default 3")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    figures: dict[str, dict[str, float]] = {}
    missed = []

    def wanted(name: str) -> bool:
        return not options.rows or any(word in name for word in options.rows)

    with canned_server() as url, tempfile.TemporaryDirectory() as folder:
        for extra in (*imports.rows(url, folder), *local.rows()):
            if wanted(extra.name):
                figures[extra.name] = extra.measure(options.rounds)
                if not report(extra.what, figures[extra.name], extra.budgets, extra.unit):
                    missed.append(extra.name)
        for row in ROWS:
            if wanted(row.name):
                figures[row.name] = cost = measure(row, url, options.rounds)
                scale, unit = (1e6 / row.count, "us") if row.metric == "cpu" else (1 / 1024, "MiB")
                shown = {name: value * scale for name, value in cost.items()}
                if not report(row.what, shown, row.budgets, unit):
                    missed.append(row.name)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"\nbudgets missed: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
