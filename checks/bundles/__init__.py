"""The Lambda bundles: dependency layers from uv.lock, and per function exactly what it imports."""
