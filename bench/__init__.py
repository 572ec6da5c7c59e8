"""Measurements as ratios: every contender in its own process, interleaved, in one run.

`python -m bench` runs everything; `python -m bench get list` runs some rows. The machine may be
shared and noisy, so nothing here is an absolute figure, and no test depends on one.
"""
