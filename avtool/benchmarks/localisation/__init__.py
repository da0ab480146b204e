"""Query localisation: submissions of each challenge against its annotations."""
