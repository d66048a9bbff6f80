"""Teachers: which networks, ensembles of them, their answers kept in files, and how sure they may be."""
