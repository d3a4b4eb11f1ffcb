"""Moodle: dumps of tables, course backups, a live database, and the CSV of its Logs page."""
