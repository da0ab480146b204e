"""Films of one square and one tone, that move, brighten and rise: time can be seen and heard.

Both are made at any speed, forward or backward, from any place, as a sampler of real films would cut them.
"""

import torch
from torch import Tensor

SECONDS, FRAMES, SIZE, SPECTRA, MEL_BINS = 8.0, 8, 32, 40, 32
FRAME_RATE, SPECTRUM_RATE = 8.0, 40.0
"""Frames and spectra a second at speed 1: a clip of either lasts one second of playback."""
SIDE, PIXELS_A_SECOND = 8, 8.0
NUM_SPEEDS = 3
"""Strides 1, 2 and 4: the longest clip is half of the film."""


def film_batch(rows: int, seed: int = 0, films: int = 1000) -> dict[str, Tensor]:
    """A batch of two clips of each of `rows` films, with all labels and weights of 1."""
    generator = torch.Generator().manual_seed(seed)
    film = torch.randperm(films, generator=generator)[:rows]
    batch = {"video_id": film, "index": film % 40}
    begins = {}
    for name in ("video", "audio"):
        batch[f"{name}_speed"] = torch.randint(NUM_SPEEDS, (rows, 2), generator=generator)
        batch[f"{name}_direction"] = torch.randint(2, (rows, 2), generator=generator)
    for name in ("video", "audio"):  # sound is centred on sight, whatever their speeds
        length = 2.0 ** batch[f"{name}_speed"]
        if name == "video":
            begins[name] = torch.rand(rows, 2, generator=generator) * (SECONDS - length)
            middle = begins[name] + length / 2
        begins[name] = middle - length / 2
    ends = {name: begins[name] + 2.0 ** batch[f"{name}_speed"] for name in begins}
    for pair in ("vv", "aa", "va"):
        one, other = ({"v": "video", "a": "audio"}[letter] for letter in pair)
        batch[f"order_{pair}"] = order(
            begins[one][:, 0], ends[one][:, 0], begins[other][:, 1], ends[other][:, 1]
        )
    labels = [name for name in batch if name not in {"video_id", "index"}]
    weights = {f"{name}_weight": torch.ones(batch[name].shape) for name in labels}
    clips = {
        "video": moving_square(film, times(begins["video"], batch, "video", FRAMES)),
        "audio": rising_tone(film, times(begins["audio"], batch, "audio", SPECTRA)),
    }
    return {**batch, **weights, **clips}


def order(begin1: Tensor, end1: Tensor, begin2: Tensor, end2: Tensor) -> Tensor:
    """0 where the stretches overlap, 1 where the first is before the second, 2 where it is after."""
    overlap = torch.minimum(end1, end2) > torch.maximum(begin1, begin2)
    return torch.where(overlap, 0, torch.where(end1 <= begin2, 1, 2))


def times(begins: Tensor, batch: dict[str, Tensor], name: str, steps: int) -> Tensor:
    """(B, 2, steps) seconds of the film at which a clip's frames lie."""
    forward = torch.arange(steps) / steps
    backward = batch[f"{name}_direction"][..., None] == 1
    played = torch.where(backward, forward.flip(0), forward)
    return begins[..., None] + played * 2.0 ** batch[f"{name}_speed"][..., None]


def moving_square(film: Tensor, seconds: Tensor) -> Tensor:
    """(B, 2, 3, T, H, W): a square of the film's colour goes right and around, down, and brightens."""
    colour = torch.stack([(film % 5) / 4, (film % 7) / 6, (film % 3) / 2], dim=1)
    colour = colour.reshape(-1, 1, 3, 1, 1, 1)
    left = (film[:, None, None] * 5 + seconds * PIXELS_A_SECOND) % SIZE
    top = seconds / SECONDS * (SIZE - SIDE)
    across = sum(_overlap(left + shift) for shift in (-SIZE, 0))
    square = _overlap(top)[..., :, None] * across[..., None, :]
    bright = (0.2 + 0.8 * seconds / SECONDS)[:, :, None, :, None, None]
    return square[:, :, None] * (0.5 + colour / 2) * bright * 2 - 1


def _overlap(begin: Tensor) -> Tensor:
    """(..., SIZE), the share of each pixel that the stretch [begin, begin + SIDE) covers."""
    axis = torch.arange(SIZE)
    begin = begin[..., None]
    return (torch.minimum(axis + 1.0, begin + SIDE) - torch.maximum(axis.float(), begin)).clamp(min=0)


def rising_tone(film: Tensor, seconds: Tensor) -> Tensor:
    """(B, 2, T, F): a tone and the film's own pattern of overtones go up, and get louder."""
    bins = torch.arange(MEL_BINS).float()
    low = 2 + seconds / SECONDS * (MEL_BINS - 12)
    spectrum = torch.exp(-0.5 * (bins - low[..., None]).square())
    for overtone in range(3):
        height = ((film * (7 + 4 * overtone)) % 11 / 10).float()[:, None, None, None]
        spectrum = spectrum + height * torch.exp(-2 * (bins - low[..., None] - 2 * overtone - 3).square())
    return (1 + 3 * seconds / SECONDS)[..., None] * spectrum - 1
