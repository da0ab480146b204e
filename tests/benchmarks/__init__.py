"""Speed beside peers, each pair in one run, as ratios: `make bench`, or `python -m tests.benchmarks NAME…`."""
