"""A whole university to try things on: a private slapd with sample students, and what goes with it."""
