"""Steps of `crlm study` with options of their own."""
