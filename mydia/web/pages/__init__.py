"""The pages: one module per feature. A handler asks contexts, fills a view and renders; no query and no rule lives here."""
