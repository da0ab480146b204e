"""Parts of fetching: what is chosen, how yt-dlp is told, and the table that is kept."""
