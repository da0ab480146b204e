"""Query localisation: when and where in a film what a query describes is to be seen or heard."""
