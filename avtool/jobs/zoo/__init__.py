"""Jobs of `avtool zoo`: counting, verification, timing, and the page of the best rows."""
