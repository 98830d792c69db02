"""Hostile input made by choices: hypothesis makes them in `make test`, atheris, guided by coverage, in `make fuzz`."""
