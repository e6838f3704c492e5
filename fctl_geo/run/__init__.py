"""What a run is and how it goes: opened, planned, computed shard by shard."""
