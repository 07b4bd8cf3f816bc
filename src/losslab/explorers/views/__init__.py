"""One file per explorer, named after its call: sliders, opener, compute, stage. Words are in `book.words`."""
