"""What is the book made of? Chapters, words, the reader's surroundings, stored measurements.

Imports `article`, `formulas`, `figures` and `data`.
"""
