"""The second floor: which plugins are installed, what they offer, and which of them are broken."""
