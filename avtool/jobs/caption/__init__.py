"""`avtool caption`: films in, SDH captions out."""
