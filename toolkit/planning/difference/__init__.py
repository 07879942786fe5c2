"""What differs between two states of an application, of which each is a backup or a database."""
