"""The third floor: from config nodes to checked components and a run's identity."""
