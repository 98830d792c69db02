"""The pages: each module names its `PAGES` (and raw `ROUTES`), and holds what they gather."""
