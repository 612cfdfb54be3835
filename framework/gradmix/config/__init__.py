"""The third floor: it turns config nodes into checked components, and computes the identity of a run."""
