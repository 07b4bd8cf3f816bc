"""One file per explorer, named like its call: sliders, opener, compute, stage. Words are in `book.words`."""
