"""CLIP with learned prompts: frozen hosts, text, visual and class-aware prompts."""
