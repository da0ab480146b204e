"""Parts of `avtool predict`."""
