#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace q8 {

// The metadata_props that q8 writes into a quantized model, all under "q8.".
namespace provenance {
inline constexpr std::string_view kVersion = "q8.version";
inline constexpr std::string_view kSourceModel = "q8.source_model.sha256";
inline constexpr std::string_view kProfile = "q8.profile.sha256";
inline constexpr std::string_view kData = "q8.data.sha256";
inline constexpr std::string_view kSamples = "q8.data.samples";
inline constexpr std::string_view kConfig = "q8.config";
inline constexpr std::string_view kPlan = "q8.plan.sha256";
inline constexpr std::string_view kGraph = "q8.graph.sha256";
inline constexpr std::string_view kRecovery = "q8.recovery";
}  // namespace provenance

using Metadata = std::vector<std::pair<std::string, std::string>>;

// Replaces the entry of that key, or appends one.
void set_metadata(Metadata& metadata, std::string_view key, std::string value);
// Empty where there is none.
std::string find_metadata(const Metadata& metadata, std::string_view key);

}  // namespace q8
