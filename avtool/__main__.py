"""`python -m avtool`: the command line, for launchers that start modules."""

from avtool.cli.main import main

main()
