"""Access to API servers, where no API server is needed to see it fail."""
