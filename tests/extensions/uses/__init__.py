"""The use of each package. A function has the name of its package, or nearly so. Its docstring is shown in the table."""
