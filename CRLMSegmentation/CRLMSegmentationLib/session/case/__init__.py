"""What belongs to a case as a whole: its source, its facts, its log, and its folder on disk."""
