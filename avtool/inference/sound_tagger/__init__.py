"""The sound tagger: any classifier as a captioner, from its scores a frame to sound events with phrases."""
