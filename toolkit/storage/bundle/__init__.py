"""Repositories in one file each, for USB sticks and e-mail: a zip file whose members are a repository's files."""
