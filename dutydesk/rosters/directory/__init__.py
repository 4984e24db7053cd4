"""The directory's pages: units, people and numbers, with who can be reached on the seats they hold."""
