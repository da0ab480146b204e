"""YAMNet beside its equations in NumPy, and its published layouts with random numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.data.inputs.log_mel import LogMel
from avtool.data.inputs.spec import read_inputs
from avtool.inference.outputs import read_outputs
from avtool.models.load import load_model
from avtool.models.registry import MODELS, create
from avtool.models.yamnet.weights import EPSILON, class_names, num_classes_of


def spectrogram_by_hand(waveform: np.ndarray) -> np.ndarray:
    """The published equations: |STFT| by 64 triangles that are linear in HTK mel, log(x + 0.001)."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    count = 1 + (len(waveform) - 400) // 160
    frames = np.stack([waveform[160 * k : 160 * k + 400] * window for k in range(count)])
    magnitude = np.abs(np.fft.rfft(frames, 512))
    mel = 1127 * np.log1p(np.arange(257) * 16000 / 512 / 700)
    edges = np.linspace(1127 * np.log1p(125 / 700), 1127 * np.log1p(7500 / 700), 66)
    rising = (mel[:, None] - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - mel[:, None]) / np.diff(edges)[1:]
    return np.log(magnitude @ np.maximum(0, np.minimum(rising, falling)) + 0.001)


def convolution_by_hand(image: np.ndarray, conv: torch.nn.Conv2d) -> np.ndarray:
    """(C, H, W) with TensorFlow's SAME padding, position by position, and a ReLU."""
    weight, bias = conv.weight.detach().double().numpy(), conv.bias.detach().double().numpy()
    stride, kernel, groups = conv.stride[0], conv.kernel_size[0], conv.groups
    sides = [-(-side // stride) for side in image.shape[1:]]
    total = [
        max((out - 1) * stride + kernel - side, 0) for out, side in zip(sides, image.shape[1:], strict=True)
    ]
    padded = np.pad(image, [(0, 0), *((more // 2, more - more // 2) for more in total)])
    out = np.zeros((len(weight), *sides))
    per_group = len(weight) // groups
    for y in range(sides[0]):
        for x in range(sides[1]):
            patch = padded[:, y * stride : y * stride + kernel, x * stride : x * stride + kernel]
            for channel in range(len(weight)):
                first = channel // per_group * weight.shape[1]
                part = patch[first : first + weight.shape[1]]
                out[channel, y, x] = (part * weight[channel]).sum() + bias[channel]
    return np.maximum(out, 0)


def test_the_spectrogram_is_that_of_the_equations() -> None:
    rng = np.random.default_rng(0)
    waveform = (rng.standard_normal(16000) * np.linspace(0, 0.5, 16000)).astype(np.float32)
    ours = LogMel()(torch.from_numpy(waveform)[None])[0].numpy()
    assert ours.shape == (98, 64)
    np.testing.assert_allclose(ours, spectrogram_by_hand(waveform.astype(np.float64)), atol=2e-5)


def test_silence_is_the_logarithm_of_the_offset() -> None:
    assert LogMel()(torch.zeros(1, 16000)).unique().item() == pytest.approx(np.log(0.001))


def test_the_network_is_that_of_the_equations() -> None:
    torch.manual_seed(0)
    network = create("yamnet_tiny").double().eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    patch = torch.randn(1, 32, 21, dtype=torch.float64)  # an odd side: SAME pads it unevenly
    maps = patch.numpy()
    for layer in network.layers:
        for conv in layer:
            maps = convolution_by_hand(maps, conv)
    feature = maps.mean(axis=(1, 2))
    with torch.no_grad():
        np.testing.assert_allclose(network.embed(patch)["audio"][0].numpy(), feature, atol=1e-9)
        wanted = network.head.weight.numpy() @ feature + network.head.bias.numpy()
        np.testing.assert_allclose(network(patch).logits[0].numpy(), wanted, atol=1e-9)


def test_a_longer_spectrogram_is_the_mean_of_its_patches() -> None:
    torch.manual_seed(0)
    network, audio = create("yamnet_tiny").eval(), torch.randn(2, 70, 16)
    with torch.no_grad():
        apart = torch.stack([network(audio[:, first : first + 32]).logits for first in (0, 16, 32)])
        torch.testing.assert_close(network(audio).logits, apart.mean(dim=0))
    with pytest.raises(BadInputError, match="31 frames are fewer than a patch of 32"):
        network(audio[:, :31])


def published(layout: str) -> dict[str, np.ndarray]:
    """Random numbers under the names and shapes of the published weights."""
    rng = np.random.default_rng(0)
    convolutions = [("layer1", "conv" if layout == "keras" else "fused", 3, 1, 32, False)]
    before = 32
    for number, width in enumerate(create("yamnet").settings.widths[1:], start=2):
        convolutions.append((f"layer{number}", "depthwise_conv", 3, before, before, True))
        convolutions.append((f"layer{number}", "pointwise_conv", 1, before, width, False))
        before = width
    found: dict[str, np.ndarray] = {}
    for layer, part, side, into, out, depthwise in convolutions:
        values = {
            "beta": rng.normal(size=out), "moving_mean": rng.normal(size=out),
            "moving_variance": rng.uniform(0.5, 2, out),
        }  # fmt: skip
        kernel = rng.normal(size=(side, side, into, 1 if depthwise else out)) / (side * into**0.5)
        if layout == "keras":  # the layer's own name again inside its group
            name = f"{layer}/{part}"
            leaf = "depthwise_kernel" if depthwise else "kernel"
            found[f"{name}/{name}/{leaf}:0"] = kernel
            found |= {f"{name}/bn/{name}/bn/{key}:0": value for key, value in values.items()}
        else:
            names = {"beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
            axes = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
            found[f"{layer}.{part}.conv.weight"] = kernel.transpose(axes)
            found |= {f"{layer}.{part}.bn.{names[key]}": value for key, value in values.items()}
    last = rng.normal(size=(1024, 521)) / 32, rng.normal(size=521)
    if layout == "keras":
        found |= {"dense/dense/kernel:0": last[0], "dense/dense/bias:0": last[1]}
    else:
        found |= {"classifier.weight": last[0].T, "classifier.bias": last[1]}
    return {name: value.astype(np.float32) for name, value in found.items()}


def as_tensors(layout: str) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value.copy()) for name, value in published(layout).items()}


@pytest.mark.parametrize("layout", ["keras", "port"])
def test_batch_norms_are_folded(layout: str) -> None:
    network, state = create("yamnet").eval(), as_tensors(layout)
    report = MODELS.find("yamnet").family.load_weights(network, dict(state))
    assert report.missing == report.unexpected == ()
    assert any("batch norms" in line for line in report.changes)
    port = as_tensors("port")
    image = torch.randn(1, 64, 12, 8)
    prefix = "layer3.depthwise_conv"
    convolved = torch.nn.functional.conv2d(
        torch.nn.functional.pad(image, (0, 1, 0, 1)), port[f"{prefix}.conv.weight"], stride=2, groups=64
    )
    normed = torch.nn.functional.batch_norm(
        convolved, port[f"{prefix}.bn.running_mean"], port[f"{prefix}.bn.running_var"],
        bias=port[f"{prefix}.bn.bias"], eps=EPSILON,
    )  # fmt: skip
    with torch.no_grad():
        torch.testing.assert_close(network.layers[2][0](image), normed.relu(), atol=1e-5, rtol=1e-5)


def test_the_files_of_both_projects_are_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    h5py = pytest.importorskip("h5py")
    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / "cache"))
    with h5py.File(tmp_path / "yamnet.h5", "w") as file:
        for name, value in published("keras").items():
            file.create_dataset(name, data=value)
    torch.save(as_tensors("port"), tmp_path / "yamnet.pth")
    models = [load_model(tmp_path / name) for name in ("yamnet.h5", "yamnet.pth")]
    audio = torch.randn(2, 96, 64)
    with torch.no_grad():
        ours, theirs = (found.model(audio).logits for found in models)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    assert read_outputs(tmp_path, models[0].preprocess).labels == class_names()


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"\xff" * 40)
    with pytest.raises(CorruptArtifactError, match="no ONNX file"):
        load_model(tmp_path / "a.onnx")
    (tmp_path / "a.h5").write_bytes(b"no HDF5")
    with pytest.raises(CorruptArtifactError, match="no HDF5 file"):
        load_model(tmp_path / "a.h5")


def test_other_weights_are_not_taken_for_it() -> None:
    assert num_classes_of(dict(create("cnn_tiny").state_dict())) is None
    assert num_classes_of(dict(create("yamnet").state_dict())) == 521


def test_its_input_is_a_patch_every_half_second(tmp_path: Path) -> None:
    found = MODELS.find("yamnet").family.preprocess(class_names())
    inputs = read_inputs(tmp_path, found)
    assert inputs.seconds == 0.975
    assert inputs.hop == 0.48
    values = torch.rand(2, 3)
    torch.testing.assert_close(inputs["audio"].scale(values), values, rtol=0, atol=0)
    assert inputs.to_json() == {"inputs": found["inputs"]}


def test_the_classes_are_audioset_s() -> None:
    names = class_names()
    assert (len(names), len(set(names))) == (521, 521)
    assert names[0] == "Speech"
    assert "Baby cry, infant cry" in names
