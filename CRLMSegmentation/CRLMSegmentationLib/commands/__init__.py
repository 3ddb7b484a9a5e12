"""One file a command of `crlm`: `add_arguments(parser)` and `run(arguments)`, bindings only."""
