"""Stand-ins for the world outside: real servers and fakes that keep the contracts of the real thing."""
