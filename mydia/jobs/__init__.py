"""Background work in the worker process: the broker, the schedule and one module of jobs per context."""
