"""How fast the filter bank is: ten-second clips, beside Kaldi's in torchaudio and transformers'.

All take turns, and a ratio is the median of the turns': what else the machine does meets all alike. The time
of one thread is the processor's, which does not count what else the machine does; that of two is the clock's.
"""

import statistics
import time
from collections.abc import Callable

import torch
from torchaudio.compliance import kaldi
from transformers import ASTFeatureExtractor

from avtool.data.inputs.fbank import Fbank
from avtool.data.inputs.spectrogram import normalize, pad_or_cut

NUM_CLIPS, NUM_SAMPLES, TURNS = 16, 160000, 8
OURS = "avtool, batched"


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """What one run takes."""
    start = clock()
    work()
    return clock() - start


def main() -> None:
    """Prints clips a second of one core, and the ratios; then clips a second of one and two threads."""
    torch.set_num_threads(1)
    waveforms = 0.1 * torch.randn(NUM_CLIPS, NUM_SAMPLES)
    fbank, extractor = Fbank(), ASTFeatureExtractor()
    arrays = [waveform.numpy() for waveform in waveforms]

    def kaldi_loop() -> list[torch.Tensor]:
        settings = {"window_type": "hanning", "num_mel_bins": 128, "dither": 0.0}
        return [kaldi.fbank(waveform[None], **settings) for waveform in waveforms]

    peers: dict[str, Callable[[], object]] = {
        OURS: lambda: fbank(waveforms),
        "avtool, one by one": lambda: [fbank(waveform[None]) for waveform in waveforms],
        "avtool, padded and scaled": lambda: normalize(pad_or_cut(fbank(waveforms), 1024), -4.27, 4.57),
        "torchaudio's Kaldi, loop": kaldi_loop,
        "transformers' extractor": lambda: extractor(arrays, sampling_rate=16000),
    }
    turns = [{name: seconds(work) for name, work in peers.items()} for _ in range(TURNS + 1)][1:]
    for name in peers:
        least = min(turn[name] for turn in turns)
        ratio = statistics.median(turn[name] / turn[OURS] for turn in turns)
        print(f"{name:28} {NUM_CLIPS / least:7.1f} clips/s   {ratio:5.2f} x the time of ours")
    for threads in (1, 2):
        torch.set_num_threads(threads)
        least = min(seconds(peers[OURS], time.perf_counter) for _ in range(TURNS))
        print(f"{OURS}, {threads} threads by the clock: {NUM_CLIPS / least:7.1f} clips/s")


if __name__ == "__main__":
    main()
