#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "base/error.h"

namespace q8 {

// The message of the Error that the function throws, checked to be of that kind; "" (and a failed
// test) where it throws none.
template <typename Function>
std::string thrown(ErrorKind kind, Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "an error is expected";
  return "";
}

template <typename Function>
std::string bad_input_of(Function&& function) {
  return thrown(ErrorKind::kBadInput, function);
}

}  // namespace q8
