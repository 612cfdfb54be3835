"""The mezzanine above the contracts: other people's algorithms as components, made from what they are already."""
