"""Everything outside the process: one package per family of products, each with its own front door."""
