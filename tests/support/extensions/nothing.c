/* No module. */
int nothing = 0;
