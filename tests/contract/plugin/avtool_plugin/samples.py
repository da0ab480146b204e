"""The samples of clips, by index."""

from collections.abc import Mapping

from torch import Tensor
from torch.utils.data import Dataset

from avtool.data.inputs.collate import scalar
from avtool.data.inputs.spec import InputSpec
from avtool.data.labels import Targets
from avtool.data.manifest import Manifest


class Samples(Dataset[Mapping[str, Tensor]]):
    """Each clip once, from its start, with its class where there are targets."""

    def __init__(self, clips: Manifest, spec: InputSpec, targets: Targets | None = None) -> None:
        self.clips, self.spec, self.targets = clips, spec, targets

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Tensor]:
        index = key if isinstance(key, int) else key[0]
        sample = {"index": scalar(index)}
        for one in self.spec:
            sample |= one.sample(self.clips, index, 0.0, None)
        if self.targets is not None:
            sample["label"] = scalar(int(self.targets.target(index)))
        return sample
