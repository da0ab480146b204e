"""Dense video captioning: the protocol of the ActivityNet challenge (2018 and 2021), SODA_c, and proposals."""
