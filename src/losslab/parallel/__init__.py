"""And over many processes.

Imports `learning` and `data`.
"""
