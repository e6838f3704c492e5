"""The networks, their files and the engine that runs them. The only room, beside training/, that knows torch."""
