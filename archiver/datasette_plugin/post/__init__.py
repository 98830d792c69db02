"""What the pages of one post, and of what is no post, gather from an archive and draw of it."""
