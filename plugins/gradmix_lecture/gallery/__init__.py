"""Pages and pictures of the topics, and the gallery with links to them."""
