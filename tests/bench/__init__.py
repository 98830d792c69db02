"""Benchmarks: ratios against a floor in the same run. `make bench` prints them; nothing here is a timed test."""
