"""What the machine needs to know: compiled kernels and where they are cached, memory that is given back."""
