"""The pieces of masked autoencoders: patches, fixed positions, masks, encoder, decoders."""
