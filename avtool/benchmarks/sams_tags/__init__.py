"""The labelling of caption tags, scored on the annotated tags of the Subtitle-Aligned Movie Sounds."""
