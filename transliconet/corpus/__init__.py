"""From files to a pairs folder: read, tag, drop what cannot be used, romanize."""
