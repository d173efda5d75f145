"""Benchmarks: peer and ours in one run, equality first. They also run, tiny and untimed, as tests."""
