"""What masked models learn from: rebuilding, contrast of what they saw, and a teacher's features."""
