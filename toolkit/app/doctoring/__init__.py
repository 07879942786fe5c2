"""What `doctor` looks at: hosts, repositories, what is expected of backups, and scheduled runs."""
