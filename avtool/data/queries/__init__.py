"""Tables of queries: what is to be found in films, with the true segments; converters of public ones."""
