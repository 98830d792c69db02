"""Search: what people type, where it is looked for, and how what was found is shown."""
