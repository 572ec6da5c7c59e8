"""One contender, one job, one process: prints the cost as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time

from bench.contenders import CONTENDERS


def main() -> None:
    url, name, job, count, warm, metric = sys.argv[1:]
    contender = CONTENDERS[name](url)
    run = getattr(contender, job)
    if int(warm):
        run(int(warm))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    kept = run(int(count))
    cpu = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    del kept
    print(json.dumps({"cpu": cpu, "peak": peak}[metric]))


if __name__ == "__main__":
    main()
