"""Losses, gradients, update rules, trajectories and explorers for the notebooks of Loss to Launch."""
