"""Actions that need several calls. Each is a function of its steps and its inputs, declared in `actions/`."""
