"""The review of events by people: decisions, their journal, and the events that they leave."""
