"""From Zoom's socket to durable state. Knows no browser: `dashboard` reads what this package records."""
