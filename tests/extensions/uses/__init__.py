"""What is done with each package. A function is called as its package, or nearly so; its docstring is for the table."""
