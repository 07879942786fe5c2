"""What `init` does: a control directory made, a database named and classified, shipped playbooks renewed."""
