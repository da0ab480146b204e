"""Parts of `avtool pretrain`."""
