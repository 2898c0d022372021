"""REST v1: schemas and one module per resource. Same contexts, same callers, same permissions as the pages."""
