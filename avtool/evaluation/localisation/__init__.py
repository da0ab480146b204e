"""Query localisation: metrics of windows, moments, activities and tubes, as the challenges compute them."""
