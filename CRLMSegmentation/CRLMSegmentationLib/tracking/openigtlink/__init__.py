"""OpenIGTLink itself: from bytes to messages and back, connections and servers. It knows no sweeps and no tools."""
