"""Typed settings: how they are declared, layered, converted and checked."""
