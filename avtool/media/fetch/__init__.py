"""Download of films and captions by yt-dlp into a folder with a table."""
