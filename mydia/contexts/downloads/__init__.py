"""Downloads: searching, deciding, grabbing, following, importing."""
