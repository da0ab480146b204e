"""The machine's versions, devices and folders: for `avtool doctor`, `env.json` and bug reports."""

import importlib.metadata
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from avtool.core.paths import cache_folder, data_folder, recipes_folder
from avtool.core.requirements import is_installed
from avtool.core.version import __version__

_LIBRARIES = (
    ("av", ""), ("soundfile", ""), ("webrtcvad-wheels", ""), ("pysubs2", ""), ("ttconv", ""), ("pandas", ""),
    ("pyarrow", ""), ("yt-dlp", ""),
    ("torch", "learn"), ("torchaudio", "learn"), ("accelerate", "learn"), ("scikit-learn", "learn"),
    ("onnxruntime", "learn"), ("silero-vad", "learn"), ("onnx", "learn"),
    ("torchvision", "hub"), ("transformers", "hub"), ("timm", "hub"),
    ("tensorboard", "tensorboard"), ("dask", "dask"), ("webdataset", "webdataset"), ("onnxscript", "export"),
    ("pycocoevalcap", "meteor"), ("nltk", "meteor"), ("snowballstemmer", "meteor"),
    ("sed_scores_eval", "sed"),
)  # fmt: skip


@dataclass(frozen=True)
class Check:
    """One line of the doctor's report; `hint` names the remedy when it is not `ok`."""

    name: str
    ok: bool
    value: str
    hint: str = ""


def versions() -> dict[str, str]:
    """The versions of avtool, Python and the libraries that results may depend on."""
    found = {"avtool": __version__, "python": platform.python_version()}
    for name, _ in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def cpu_facts() -> dict[str, str]:
    """The first processor's facts as Linux lists them, such as `model name` and `flags`; elsewhere none."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    first = text.partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def has_cpu_flag(name: str) -> bool:
    """Whether the processor has an instruction set, by Linux's name: `amx_bf16`, `avx512_bf16`."""
    return name in cpu_facts().get("flags", "").split()


def checks() -> list[Check]:
    """Everything that commonly goes wrong on a user's machine, looked at once. Loads torch if it is there."""
    installed = versions()
    results = [
        Check("avtool", True, __version__),
        Check(
            "python",
            sys.version_info >= (3, 11),
            platform.python_version(),
            "avtool needs Python 3.11 or newer",
        ),
        Check(
            "machine",
            True,
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, {_memory()}",
        ),
    ]
    for name, extra in _LIBRARIES:
        package = f"avtool[{extra}]" if extra else "avtool"
        absent = f"not installed; avtool[{extra}] has it" if extra else "not installed"
        found = installed.get(name, absent)
        results.append(Check(name, name in installed or bool(extra), found, f"pip install '{package}'"))
    results.append(_torch_check())
    results.append(_ffmpeg_check())
    for name, folder in (("cache", cache_folder()), ("data", data_folder()), ("recipes", recipes_folder())):
        results.append(_folder_check(name, folder))
    return results


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return "memory unknown"
    return f"{size / 2**30:.0f} GiB memory"


def _torch_check() -> Check:
    if not is_installed("torch"):
        without = "without torch: mining, sync, tag, fetch, captions of given events"
        return Check("device", True, f"{without}; training and models by pip install 'avtool[learn]'")
    try:
        import torch
        import torchaudio  # noqa: F401
    except (ImportError, OSError) as error:
        reason = str(error).splitlines()[0]
        return Check(
            "torch loads", False, reason, "install torch and torchaudio of the same release and build"
        )
    if not torch.cuda.is_available():
        return Check("device", True, "cpu (no CUDA device found)")
    names = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
    return Check("device", True, f"cuda ({names})")


def _ffmpeg_check() -> Check:
    import av

    version = ".".join(str(part) for part in av.library_versions["libavcodec"])
    return Check("FFmpeg", True, f"bundled with av, libavcodec {version}")


def _folder_check(name: str, folder: Path) -> Check:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free / 2**30
    writable = name == "recipes" or os.access(existing, os.W_OK)
    state = "" if folder.exists() else ", not made yet"
    hint = f"set AVTOOL_{'CACHE_DIR' if name == 'cache' else 'DATA'} to a folder that you can write"
    return Check(name, writable, f"{folder} ({free:.0f} GiB free{state})", hint)
