#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace q8 {

// What a user's command, file or machine got wrong. Thrown where it is found, with what was
// expected, what was found and which name; main() maps the kind to an exit code, in one place.
enum class ErrorKind {
  kInternal,     // exit 1: a broken promise of our own
  kUsage,        // exit 2: the command line
  kBadInput,     // exit 3: a file or its content
  kUnsupported,  // exit 3: valid, but not something q8 does
  kResource,     // exit 3: disk, memory, permissions
  kInterrupted,  // exit 130: Ctrl-C or SIGTERM
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

  // The same error with the place it happened in front: "model.onnx: Conv 'stem/conv': group=3 …".
  Error within(std::string_view place) const {
    return Error(kind_, std::string(place) + ": " + what());
  }

 private:
  ErrorKind kind_;
};

inline Error usage_error(const std::string& m) {
  return Error(ErrorKind::kUsage, m);
}
inline Error bad_input(const std::string& m) {
  return Error(ErrorKind::kBadInput, m);
}
inline Error unsupported(const std::string& m) {
  return Error(ErrorKind::kUnsupported, m);
}
inline Error resource_error(const std::string& m) {
  return Error(ErrorKind::kResource, m);
}
inline Error interrupted() {
  return Error(ErrorKind::kInterrupted, "interrupted");
}

}  // namespace q8
