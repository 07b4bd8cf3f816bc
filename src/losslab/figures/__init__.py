"""What does it look like? Arrays to artists on given Axes; no number is computed, and pyplot is not known.

Imports nothing of ours.
"""
