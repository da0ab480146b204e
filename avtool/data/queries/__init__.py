"""Tables of queries: what is to be found in films, with the true answers; converters of public ones."""
