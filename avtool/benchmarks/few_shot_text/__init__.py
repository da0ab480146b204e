"""The fifteen text tasks of LM-BFF with K examples a class, beside the published numbers."""
