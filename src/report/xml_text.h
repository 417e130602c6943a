#pragma once

#include <string>
#include <string_view>

namespace q8 {

// Text as XML and HTML hold it, in attributes as well: & < > " ' escaped; control characters and
// bytes that are not UTF-8, which XML does not allow, become '?'.
std::string xml_text(std::string_view text);

}  // namespace q8
