"""Documents beside what they quote: what the pages of documents and of quotations share."""
