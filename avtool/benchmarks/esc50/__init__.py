"""ESC-50 and ESC-10 (Piczak, 2015): five official folds of environmental sounds."""
