/* Not a module. */
int nothing = 0;
