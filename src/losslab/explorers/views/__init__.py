"""What each explorer shows: a compute function, its stage, its sliders. No widget, no torch."""
