"""What the pages of custody share: files that are handed out, words of what each layer proves, bundles."""
