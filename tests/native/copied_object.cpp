// An object with a static variable, of which the tests load copies.
extern "C" int count_up() {
  static int count = 0;
  return ++count;
}
