"""Dense video captioning: the ActivityNet challenge's protocol (2018, 2021), SODA_c, proposals."""
