"""Building blocks of reports: pictures of scenes and classes, and self-contained HTML pages."""
