"""Functions on numbers and arrays, compiled to machine code that is kept on disk."""
