"""What has a window: the panel, the options page, the set-up dialog."""
