"""Parts of `avtool embed`, and of the benchmarks that evaluate features."""
