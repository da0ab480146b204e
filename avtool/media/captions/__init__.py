"""Caption files of any format, read by content into cues."""
