"""The queue of messages, their delivery, and acknowledgements."""
