"""Videos captioned by a model, as a submission."""

from collections.abc import Collection
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.evaluation.dense_captions.segments import CaptionedSegment, Captions


def caption_videos(
    model: Path, folder: Path, videos: Collection[str], device: str, reporter: Reporter
) -> Captions:
    """The videos of a folder captioned by any model that `avtool caption` takes.

    Args:
        model: that captions.
        folder: videos, named by their ids, with or without the prefix `v_` of ActivityNet.
        videos: ids; those without a file are missing.
        device: auto, cpu, cuda or cuda:1.
        reporter: receives progress; warned of videos that cannot be read.

    Raises:
        BadInputError: the folder has none of the videos, or the model captions none.
    """
    from avtool.core.runtime import RuntimeRecipe
    from avtool.data.items import Item
    from avtool.inference.captioner import ModelOptions, open_captioner
    from avtool.media.suffixes import films_in

    files = {path.stem: path for path in films_in(folder)} if folder.is_dir() else {}
    found = {
        video: path for video in videos if (path := files.get(video) or files.get(video.removeprefix("v_")))
    }
    if not found:
        message = f"`{folder}` has none of the {len(videos)} videos of the references"
        raise BadInputError(message, f"name them by their ids: {next(iter(videos))}.mp4")
    captioner = open_captioner(model, ModelOptions(runtime=RuntimeRecipe(device=device)), reporter)
    captions: dict[str, tuple[CaptionedSegment, ...]] = {}
    with reporter.progress("captioning", len(found)) as bar:
        for video, path in found.items():
            try:
                events = captioner.listen(Item(str(path), path), reporter).events
            except BadInputError as error:
                reporter.warn(f"{path.name} failed: {error}")
                events = ()
            captions[video] = tuple(
                CaptionedSegment(event.start, event.end, event.phrase, event.score) for event in events
            )
            bar.advance(note=path.name)
    return captions
