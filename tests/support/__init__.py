"""What the tests share. `work`, `failures` and `shapes` are also imported by workers, by name: they stay light."""
