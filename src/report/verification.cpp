#include "report/verification.h"

#include <nlohmann/json.hpp>

#include "report/json_text.h"
#include "report/text_table.h"

namespace q8 {
namespace {

using Json = nlohmann::ordered_json;

std::string_view verdict_name(Verdict verdict) {
  constexpr std::string_view kNames[] = {"holds", "differs", "not checked"};
  return kNames[static_cast<std::size_t>(verdict)];
}

}  // namespace

std::string verification_text(const std::vector<VerifiedFact>& facts, const std::string& file) {
  TextTable table("lll");
  for (const VerifiedFact& fact : facts)
    table.add({fact.what, std::string(verdict_name(fact.verdict)), printable(fact.detail)});
  return printable(file) + ": what it says of its origin\n" + table.str();
}

std::string verification_json(const std::vector<VerifiedFact>& facts, const std::string& file) {
  Json json = {{"kind", "verification"}, {"file", file}, {"facts", Json::array()}};
  for (const VerifiedFact& fact : facts)
    json["facts"].push_back(
        {{"what", fact.what}, {"verdict", verdict_name(fact.verdict)}, {"detail", fact.detail}});
  return json_text(json);
}

}  // namespace q8
