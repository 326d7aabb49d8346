"""Code that the tests share. Workers also import `work`, `failures` and `shapes` by name, so these import little."""
