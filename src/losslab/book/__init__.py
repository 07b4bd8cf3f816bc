"""What the book is made of, beside its chapters."""
