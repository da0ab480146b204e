"""`avtool prompt-tune`: a frozen model and a few labelled examples in, learned prompts out."""

from avtool.cli.command import verb_app
from avtool.cli.train import add_task
from avtool.tasks import TASKS

app = verb_app(
    "prompt-tune",
    "avtool prompt-tune clip split_zhou_OxfordPets.json --backbone clip-vit-base-patch16 --method coop",
    "avtool prompt-tune lm-bff task.toml --recipe prompt-tune/lm-bff-tiny",
)
app.callback()(lambda: None)  # a group even with one task or none
for _name, _task in TASKS.items():
    if _task.verb == "prompt-tune":
        add_task(app, _task, _name)
