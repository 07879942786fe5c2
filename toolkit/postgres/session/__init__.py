"""Sessions: connections, what becomes of them, and the statements a person wrote."""
