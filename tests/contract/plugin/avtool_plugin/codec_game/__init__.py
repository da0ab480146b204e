"""A codec of spectra that is trained against a critic."""
