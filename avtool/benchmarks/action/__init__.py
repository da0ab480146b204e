"""Action recognition on official splits: UCF101 and HMDB51."""
