"""Parts of `avtool finetune`."""
