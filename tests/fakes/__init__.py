"""Stand-ins for outside services: real servers, and fakes that pass the same contract tests."""
