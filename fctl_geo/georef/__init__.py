"""Pixel sizes and areas on the ground."""
