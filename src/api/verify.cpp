#include <algorithm>
#include <set>

#include "api/calibration_data.h"
#include "api/model_file.h"
#include "api/provenance.h"
#include "api/recorded_settings.h"
#include "base/error.h"
#include "base/sha256.h"
#include "inspect/digest.h"
#include "onnx_io/load.h"
#include "q8/inspect.h"
#include "report/verification.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

std::string short_hash(const std::string& sha256) {
  return "SHA-256 " + sha256.substr(0, 12) + "…";
}

// Checks the facts of one model, each as far as what it needs is there.
class Verifier {
 public:
  Verifier(const fs::path& model, const VerifyOptions& options, const Host& host)
      : path_(model), options_(options), host_(host), model_(load_model(model)) {
    if (recorded(provenance::kVersion).empty())
      throw bad_input(model.string() + " has no provenance: q8 did not write it");
  }

  std::vector<VerifiedFact> verify() {
    check("graph", provenance::kGraph, [&] { return graph_digest(model_.graph); });
    find_profile();
    find_source();
    check("source model", provenance::kSourceModel,
          [&] { return open_model_as_is(source()).sha256; });
    if (recorded(provenance::kProfile).empty()) {
      check("plan", provenance::kPlan, [&] { return plan_hash(); });
      return std::move(facts_);
    }
    check("profile", provenance::kProfile, [&] { return profile().sha256(); });
    check("data", provenance::kData, [&] { return data_hash(); });
    check("plan", provenance::kPlan, [&] { return plan_hash(); });
    return std::move(facts_);
  }

 private:
  std::string recorded(std::string_view key) const { return find_metadata(model_.metadata, key); }

  // Recomputes a hash; what keeps it from being recomputed (a file that is gone) is said.
  template <typename Hash>
  void check(const std::string& what, std::string_view key, Hash&& hash) {
    VerifiedFact fact{.what = what, .verdict = Verdict::kNotChecked, .detail = {}};
    const std::string wanted = recorded(key);
    if (wanted.empty()) {
      fact.detail = "the model does not say: it has no " + std::string(key);
      facts_.push_back(std::move(fact));
      return;
    }
    try {
      const std::string found = hash();
      fact.verdict = found == wanted ? Verdict::kHolds : Verdict::kDiffers;
      fact.detail = found == wanted ? short_hash(found)
                                    : short_hash(found) + ", where the model says " +
                                          short_hash(wanted).substr(8);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kInterrupted || error.kind() == ErrorKind::kInternal) throw;
      fact.detail = error.what();
    }
    facts_.push_back(std::move(fact));
  }

  // Whether the profile beside the model is the one: by its hash; of a model that was made without
  // any, by that of the float model.
  bool fits(const CalibrationProfile& profile) const {
    const std::string wanted = recorded(provenance::kProfile);
    return wanted.empty() ? profile.model.sha256 == recorded(provenance::kSourceModel)
                          : profile.sha256() == wanted;
  }

  // The profile that is named, or the one beside the model that it was made with.
  void find_profile() {
    if (options_.calibration) {
      profile_ = load_profile(*options_.calibration);
      profile_path_ = *options_.calibration;
      return;
    }
    const fs::path folder = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
    std::set<fs::path> beside;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder))
      if (entry.path().extension() == ".q8cal") beside.insert(entry.path());
    for (const fs::path& path : beside) {
      CalibrationProfile found;
      try {
        found = load_profile(path);
      } catch (const Error&) {  // of no use here, whatever is wrong with it
        others_ += (others_.empty() ? "" : ", ") + path.filename().string() + " (unreadable)";
        continue;
      }
      if (fits(found)) {
        profile_ = std::move(found);
        profile_path_ = path;
        return;
      }
      others_ += (others_.empty() ? "" : ", ") + path.filename().string();
    }
  }

  const CalibrationProfile& profile() const {
    if (profile_) return *profile_;
    throw bad_input("no profile: name it with --calibration (" +
                    (others_.empty() ? "beside the model there is none"
                                     : "beside the model there are others: " + others_) +
                    ")");
  }

  void find_source() {
    if (options_.source)
      source_ = *options_.source;
    else if (profile_)
      source_ = profile_->model.path;
  }

  fs::path source() const {
    if (!source_) throw bad_input("no float model: name it with --source");
    return *source_;
  }

  // The samples that the profile names, read again.
  std::string data_hash() const {
    const CalibrationProfile& seen = profile();
    const ModelFile model = open_model_as_is(source());
    const CalibrationData data(seen, model);
    CalibrationProfile read;
    std::int64_t done = 0;
    for (const CalibrationSample& sample : seen.samples) {
      if (host_.stop.stop_requested()) throw interrupted();
      const std::int64_t at = data.find(sample);
      read.samples.push_back({.name = sample.name, .sha256 = data.dataset().sample(at).sha256});
      if (host_.progress) host_.progress("reading samples", ++done, std::ssize(seen.samples));
    }
    return read.data_sha256();
  }

  // The plan, made again from the float model and the profile, recovery with it.
  std::string plan_hash() const {
    QuantizeJob job = job_of_settings(recorded(provenance::kConfig));
    job.model = source();
    if (!recorded(provenance::kProfile).empty()) {
      profile();
      job.calibration = profile_path_;
    }
    if (options_.plan) job.use_plan = *options_.plan;
    job.plan_only = true;
    Host quiet = host_;
    quiet.warn = nullptr;  // what there was to warn of was said when the model was made
    return Sha256().add(quantize_model(job, quiet).plan).hex();
  }

  const fs::path& path_;
  const VerifyOptions& options_;
  const Host& host_;
  Model model_;
  std::optional<CalibrationProfile> profile_;
  fs::path profile_path_;
  std::string others_;  // profiles beside the model that are not its own, for messages
  std::optional<fs::path> source_;
  std::vector<VerifiedFact> facts_;
};

}  // namespace

Inspection verify_file(const fs::path& model, const VerifyOptions& options, const Host& host) {
  const std::vector<VerifiedFact> facts = Verifier(model, options, host).verify();
  const std::string name = model.filename().string();
  return {.text = options.json ? verification_json(facts, name) : verification_text(facts, name),
          .passed = std::ranges::none_of(
              facts, [](const VerifiedFact& fact) { return fact.verdict == Verdict::kDiffers; })};
}

}  // namespace q8
