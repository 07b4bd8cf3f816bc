"""What does the equation say? NumPy only; functions and arrays come in as arguments.

Imports nothing of ours. Siblings do not import each other, but for `activations`, the ground floor of all.
"""
