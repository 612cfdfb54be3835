"""Journals, what runs leave behind: written, read, locked and found. Only this floor knows their format."""
