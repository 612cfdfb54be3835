"""The mezzanine above the contracts: it turns existing functions and estimators into components."""
