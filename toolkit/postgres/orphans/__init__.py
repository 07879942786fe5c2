"""Rows whose references lead nowhere: finding them, and deleting them with what belongs to them."""
