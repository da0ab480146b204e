"""The memory that a process can hold, of a machine and of control groups of both versions."""

import os
from pathlib import Path

import pytest

from avtool.core.memory_limit import memory_limit

GIB = 1 << 30
KIB = GIB >> 10


def write(root: Path, files: dict[str, object]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{content}\n")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """8 GiB are available, and the process holds 1 GiB."""
    write(tmp_path, {
        "proc/meminfo": f"MemTotal: {16 * KIB} kB\nMemFree: {2 * KIB} kB\nMemAvailable: {8 * KIB} kB",
        "proc/self/status": f"Name:\tpython\nVmRSS:\t{KIB} kB",
        "proc/self/cgroup": "0::/",
    })  # fmt: skip
    return tmp_path


def test_a_process_can_hold_what_it_holds_and_what_is_available(machine: Path) -> None:
    assert memory_limit(machine) == 9 * GIB
    (machine / "proc/self/cgroup").unlink()
    assert memory_limit(machine) == 9 * GIB


def test_this_machine_has_some() -> None:
    assert (memory_limit() or GIB) > 1 << 25


def test_no_proc_no_limit(tmp_path: Path) -> None:
    assert memory_limit(tmp_path) is None


def test_the_narrowest_of_nested_groups_counts(machine: Path) -> None:
    """Files that a group has in memory are dropped before anything is killed."""
    inner, outer = "sys/fs/cgroup/job/step", "sys/fs/cgroup/job"
    write(machine, {
        "proc/self/cgroup": "0::/job/step",
        f"{inner}/memory.max": "max", f"{inner}/memory.current": GIB,
        f"{outer}/memory.max": 4 * GIB, f"{outer}/memory.current": 3 * GIB,
        f"{outer}/memory.stat": f"anon {2 * GIB}\nactive_file {GIB // 2}\ninactive_file {GIB // 2}",
    })  # fmt: skip
    assert memory_limit(machine) == GIB + 2 * GIB


def test_a_group_has_any_name(machine: Path) -> None:
    group = os.fsdecode(b"sys/fs/cgroup/job \xff:1")
    write(
        machine, {f"{group}/memory.max": 2 * GIB, f"{group}/memory.current": GIB, f"{group}/memory.stat": ""}
    )
    (machine / "proc/self/cgroup").write_bytes(b"\nnot a group\n0::/job \xff:1\n")
    assert memory_limit(machine) == GIB + GIB


def test_groups_of_version_1(machine: Path) -> None:
    group = "sys/fs/cgroup/memory"
    write(machine, {
        "proc/self/cgroup": "5:cpu,cpuacct:/other\n4:memory:/docker/1f\n1:name=systemd:/",
        f"{group}/memory.limit_in_bytes": 2 * GIB, f"{group}/memory.usage_in_bytes": 2 * GIB,
        f"{group}/memory.stat": f"inactive_file 0\ntotal_inactive_file {GIB}\ntotal_active_file 0",
    })  # fmt: skip
    assert memory_limit(machine) == GIB + GIB, "of a container, whose own path is not in its namespace"
    write(machine, {f"{group}/memory.limit_in_bytes": 9223372036854771712})
    assert memory_limit(machine) == 9 * GIB
