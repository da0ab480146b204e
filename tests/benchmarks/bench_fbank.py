"""How fast the filter bank is: ten-second clips, beside Kaldi's in torchaudio and transformers'."""

import time
from collections.abc import Callable

import torch
from torchaudio.compliance import kaldi
from transformers import ASTFeatureExtractor

from avtool.data.tensors.fbank import Fbank
from avtool.data.tensors.fit import normalize, pad_or_cut

NUM_CLIPS, NUM_SAMPLES, REPEATS = 16, 160000, 3


def seconds(work: Callable[[], object]) -> float:
    """The least processor time of a few runs: it does not count what else the machine does."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Prints clips a second of one core, and the ratios."""
    torch.set_num_threads(1)
    waveforms = 0.1 * torch.randn(NUM_CLIPS, NUM_SAMPLES)
    fbank, extractor = Fbank(), ASTFeatureExtractor()
    arrays = [waveform.numpy() for waveform in waveforms]

    def kaldi_loop() -> list[torch.Tensor]:
        settings = {"window_type": "hanning", "num_mel_bins": 128, "dither": 0.0}
        return [kaldi.fbank(waveform[None], **settings) for waveform in waveforms]

    peers = {
        "avtool, batched": lambda: fbank(waveforms),
        "avtool, one by one": lambda: [fbank(waveform[None]) for waveform in waveforms],
        "avtool, padded and scaled": lambda: normalize(pad_or_cut(fbank(waveforms), 1024), -4.27, 4.57),
        "torchaudio's Kaldi, loop": kaldi_loop,
        "transformers' extractor": lambda: extractor(arrays, sampling_rate=16000),
    }
    times = {name: seconds(work) for name, work in peers.items()}
    for name, taken in times.items():
        ratio = taken / times["avtool, batched"]
        print(f"{name:28} {NUM_CLIPS / taken:7.1f} clips/s   {ratio:5.2f} x the time of ours")


if __name__ == "__main__":
    main()
