"""Query localisation on a query table of one's own: engines over indexed films, beside baselines."""
