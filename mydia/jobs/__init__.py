"""Work done later, in the worker process: the broker, the clock and one module of jobs per context."""
