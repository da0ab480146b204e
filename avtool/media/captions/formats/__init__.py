"""One reader a format: `read(text, draft)` fills a draft with raw cues."""
