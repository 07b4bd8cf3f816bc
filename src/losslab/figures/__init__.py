"""What does it look like? Arrays to artists on given Axes; no number is computed, and pyplot is not used.

Imports nothing of ours.
"""
