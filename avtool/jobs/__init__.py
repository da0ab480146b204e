"""One function a subcommand: (recipe, paths, reporter) to a result. Jobs never print."""
