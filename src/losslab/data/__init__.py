"""What goes in? One file per data set, and one way to scale pixels.

Imports nothing of ours but its siblings.
"""
