"""Geometry without pixels: frames, patches, contexts and shards on a scene's grid."""
