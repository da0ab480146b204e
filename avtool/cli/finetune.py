"""`avtool finetune`: a labelled dataset in, a trained classifier out."""

from avtool.cli.command import verb_app
from avtool.cli.train import add_task
from avtool.tasks.classification.task import ClassificationTask

app = verb_app(
    "finetune",
    "avtool finetune esc50 --recipe finetune/esc50-cnn",
    "avtool finetune esc50 --model ast_base --init ast.pt --seconds 5",
    "avtool finetune events --set data.review=events/review.parquet",
)
add_task(app, ClassificationTask)
