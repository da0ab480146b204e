"""The ground under every layer: errors, files, artifacts, recipes, the registry. Never imports torch."""
