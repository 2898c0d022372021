"""The pages: one module per feature. A handler asks contexts, fills a view and renders; it contains no queries and no rules."""
