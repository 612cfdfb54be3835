"""The first floor: journals, what runs leave behind: writing, reading, locking and finding them."""
