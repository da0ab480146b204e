"""Query localisation: films as indexes, engines that score their frames for a query, ranked hits."""
