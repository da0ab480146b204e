"""The preview of a film's captions: a page that plays the film with them, over a timeline."""
