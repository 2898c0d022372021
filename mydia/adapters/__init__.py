"""Everything outside the process: one package per family of products, each entered by its front door."""
