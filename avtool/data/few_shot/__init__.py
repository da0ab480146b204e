"""Few-shot text tasks: templates, label words, examples, K-shot splits and demonstrations (LM-BFF)."""
