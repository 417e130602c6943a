#pragma once

#include <string>

namespace q8::cli {

// "1%", "0.5 %" or "1" as a share of one. A number below 1 without its percent sign could be meant
// as a share; so could a 1 where `one_may_be_a_share`: those are usage errors that ask for the
// sign.
double parse_percentage(const std::string& option, const std::string& text,
                        bool one_may_be_a_share);

}  // namespace q8::cli
