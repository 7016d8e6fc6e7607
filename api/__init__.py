"""Every way in: HTTP, the command line, the pages, and what the registry does by itself."""
