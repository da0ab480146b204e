"""One thin file a subcommand: parse, call a job, render."""
