"""Runs every `bench_*.py` of this folder, or those named."""

import importlib
import sys
from pathlib import Path

folder = Path(__file__).parent
names = sys.argv[1:] or sorted(path.stem.removeprefix("bench_") for path in folder.glob("bench_*.py"))
for name in names:
    print(f"== {name}", flush=True)
    importlib.import_module(f"tests.benchmarks.bench_{name}").main()
