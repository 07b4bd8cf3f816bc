"""How is it trained, kept and resumed? PyTorch.

Imports `data`.
"""
