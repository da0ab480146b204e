"""Runs every `bench_*.py` of this folder, or those named, each in a process of its own.

The largest memory of a child process counts from that of its parent: one that has loaded torch would hide it.
"""

import subprocess
import sys
from pathlib import Path

folder = Path(__file__).parent
names = sys.argv[1:] or sorted(path.stem.removeprefix("bench_") for path in folder.glob("bench_*.py"))
for name in names:
    print(f"== {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"tests.benchmarks.bench_{name}"], check=True)
