"""The second floor: the installed plugins, the components that they offer, and the plugins that are broken."""
