"""`avtool prompt-tune`: a pretrained model and a few labelled examples in, prompts or a tuned model out."""

from avtool.cli.clip_prompts import add_clip_prompts
from avtool.cli.command import verb_app
from avtool.cli.few_shot import add_few_shot
from avtool.cli.train import add_task
from avtool.tasks import TASKS

app = verb_app(
    "prompt-tune",
    "avtool prompt-tune clip split_zhou_OxfordPets.json --backbone clip-vit-base-patch16 --method coop",
    "avtool prompt-tune lm-bff reviews.csv --task cr --model roberta-base --k 16 --out runs/reviews",
)
app.callback()(lambda: None)  # a group even with one task or none
for _name, _task in sorted(TASKS.items()):
    if _task.verb == "prompt-tune":
        add_task(app, _task, _name)
add_few_shot(app)
add_clip_prompts(app)
