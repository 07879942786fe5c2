"""The one way to compare a backup's rows with a database's."""
