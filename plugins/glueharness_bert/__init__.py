"""Plugin bert."""
