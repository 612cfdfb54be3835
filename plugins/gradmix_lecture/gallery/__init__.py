"""Pages and pictures of the topics, and the gallery that links them."""
