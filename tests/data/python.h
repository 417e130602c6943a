#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

// Tests that compare with NumPy, Pillow or the zoo at run time; they skip themselves without
// Python.
namespace q8 {

#ifdef Q8_PYTHON
inline constexpr std::string_view kPython = Q8_PYTHON;
#else
inline constexpr std::string_view kPython;
#endif

inline bool has_python() {
  return !kPython.empty();
}

// Whether the interpreter ends well with these arguments (as the shell reads them).
inline bool run_python(const std::string& arguments) {
  return std::system((std::string(kPython) + " " + arguments).c_str()) == 0;
}

}  // namespace q8
