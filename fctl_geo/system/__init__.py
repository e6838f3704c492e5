"""Services close to the machine: compiled kernels and their cache, and returning freed memory."""
