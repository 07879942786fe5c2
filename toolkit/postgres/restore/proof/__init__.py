"""What is proven after a plan was carried out, and before it is committed."""
