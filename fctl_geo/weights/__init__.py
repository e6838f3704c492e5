"""The shipped model files, with a card for each."""
