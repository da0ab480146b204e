"""Speed beside peers, each pair in one run, as ratios: `python -m tests.benchmarks [NAME…]`."""
