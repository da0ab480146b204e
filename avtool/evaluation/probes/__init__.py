"""What simple classifiers and neighbours make of the features of a frozen encoder."""
