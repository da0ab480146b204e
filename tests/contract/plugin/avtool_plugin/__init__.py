"""Systems of another package: it adds each by an entry point, and changes nothing in avtool."""
