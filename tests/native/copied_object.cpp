// An object with a static variable. The tests load copies of it.
extern "C" int count_up() {
  static int count = 0;
  return ++count;
}
