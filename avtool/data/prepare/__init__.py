"""The steps of `avtool prepare`: find the media, look at them, make the rows, write the dataset."""
