"""Students x teachers x strategies x seeds x subjects held out: what a student's size costs in BPM."""
