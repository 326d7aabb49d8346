"""`python benchmarks` runs all benchmarks."""

from run_all import main

if __name__ == "__main__":
    main()
