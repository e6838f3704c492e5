"""The networks, their files and the engine that runs them. Besides training/, the only package that uses torch."""
