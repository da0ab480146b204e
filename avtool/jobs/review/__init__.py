"""The review of a dataset or of captions in a browser: a local page, its server, and what it leaves."""
