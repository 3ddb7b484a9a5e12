"""Actions of the session for who has no hand free: by a key, or by a foot switch."""
