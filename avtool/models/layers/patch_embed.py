"""Patches of spectrograms, images and videos as tokens."""

from torch import Tensor, nn


class PatchEmbed(nn.Module):
    """Cuts an image or a spectrogram into patches and projects each to a token.

    Tokens come row by row: index = row * columns + column.

    Args:
        in_channels: channels of the input.
        dim: width D of the tokens.
        patch_size: side of a square patch, or both sides.
        stride: step between patches along (rows, columns); equal to `patch_size` for no overlap.
    """

    def __init__(
        self, in_channels: int, dim: int, patch_size: int | tuple[int, int], stride: tuple[int, int]
    ) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_channels, dim, patch_size, stride)

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, rows, columns) → (B, N, D)."""
        tokens: Tensor = self.proj(image).flatten(2).transpose(1, 2)
        return tokens


class TubeletEmbed(nn.Module):
    """Cuts a video into boxes of frames x patch x patch without overlap; tokens in order (time, row, column).

    Args:
        in_channels: channels of the input.
        dim: width D of the tokens.
        frames: frames in a tubelet.
        patch_size: side of the square patch.
    """

    def __init__(self, in_channels: int, dim: int, frames: int, patch_size: int) -> None:
        super().__init__()
        box = (frames, patch_size, patch_size)
        self.proj = nn.Conv3d(in_channels, dim, box, box)

    def forward(self, video: Tensor) -> Tensor:
        """(B, C, T, H, W) → (B, N, D)."""
        tokens: Tensor = self.proj(video).flatten(2).transpose(1, 2)
        return tokens


def count_patches(size: int, patch_size: int, stride: int) -> int:
    """How many patches fit along an axis without padding."""
    return (size - patch_size) // stride + 1
