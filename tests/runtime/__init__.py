"""The shell: settings, journal, pages, command line."""
