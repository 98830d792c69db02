"""Media files: their bytes in parts, small pictures, a gallery, and what is known of one file."""
