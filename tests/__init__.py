"""The tests, mirroring `mydia/`."""
