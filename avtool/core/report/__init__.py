"""Self-contained HTML pages: one style, figures and players inside the file, no network."""
