"""LM-BFF: prompt-based fine-tuning of a masked LM with a few examples."""
