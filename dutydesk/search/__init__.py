"""Finding incidents, log entries, people and numbers again; lists under a name; lists as workbooks."""
