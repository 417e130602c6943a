#include "api/save_checked.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "api/bench_inputs.h"
#include "api/tensor_errors.h"
#include "base/error.h"
#include "base/file.h"
#include "base/unfinished.h"
#include "onnx_io/load.h"
#include "onnx_io/save.h"
#include "ops/ops.h"
#include "plan/decided_values.h"
#include "validate/comparison.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

// Below it the error has a third of the signal's amplitude: no use of a model is known to bear it.
constexpr double kUnexpectedDb = 10;

// A folder beside the output, on its file system, for what is not yet checked.
class CheckingFolder {
 public:
  explicit CheckingFolder(const fs::path& output)
      : folder_([&] {
          // Of its own for every run: another one may be writing the same output.
          std::string name = output.parent_path() / ("." + output.filename().string() + ".XXXXXX");
          if (mkdtemp(name.data()) == nullptr) throw cannot_write(output, errno);
          return name;
        }) {}

  const fs::path& path() const { return folder_.path(); }
  std::int64_t bytes() const {
    std::int64_t total = 0;
    for (const fs::directory_entry& file : fs::directory_iterator(path()))
      total += static_cast<std::int64_t>(file.file_size());
    return total;
  }

  // Moves everything into the folder above, the model last: what it refers to is there first.
  void publish(const fs::path& model) {
    for (const fs::directory_entry& file : fs::directory_iterator(path()))
      if (file.path().filename() != model.filename())
        move(file.path(), model.parent_path() / file.path().filename());
    move(path() / model.filename(), model);
  }

 private:
  static Error cannot_write(const fs::path& file, int error) {
    return resource_error(file.string() +
                          ": cannot be written: " + std::generic_category().message(error));
  }
  static void move(const fs::path& from, const fs::path& to) {
    if (std::rename(from.c_str(), to.c_str()) != 0) throw cannot_write(to, errno);
  }

  UnfinishedPath folder_;
};

std::optional<std::vector<Tensor>> made_up_inputs(const Graph& graph) {
  try {
    return bench_inputs(graph, {});
  } catch (const Error&) {  // inputs of open rank: nothing can be made up for them
    return std::nullopt;
  }
}

bool is_finite(const Tensor& tensor) {
  return std::ranges::all_of(flat_values(tensor), [](double x) { return std::isfinite(x); });
}

// What the float model makes of the inputs of the check. Without a sample they are made up, and may
// mean nothing to it: then there may be no results.
struct FloatRun {
  std::optional<std::vector<Tensor>> inputs;
  std::vector<Tensor> results;
  std::exception_ptr error;  // what is wrong with the float model, once that is known
};

FloatRun run_float(const QuantizationCheck& check, const Host& host) {
  const Graph& graph = check.source.model.graph;
  FloatRun run{.inputs = check.sample ? check.sample : made_up_inputs(graph),
               .results = {},
               .error = nullptr};
  try {
    const Session session(graph, session_options(host));
    if (run.inputs) run.results = session.run(*run.inputs);
  } catch (const Error& error) {
    if (check.sample || error.kind() == ErrorKind::kInternal) throw;
    run.error = std::current_exception();
  }
  return run;
}

// What is wrong with the float model where fused operators do not look: with every node run alone.
std::exception_ptr hidden_error(const QuantizationCheck& check, const FloatRun& run,
                                const Host& host) {
  SessionOptions options = session_options(host);
  options.optimize = false;
  try {
    const Session session(check.source.model.graph, options);
    if (run.inputs) session.run(*run.inputs);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInternal) return std::current_exception();
  }
  return nullptr;
}

std::string decibels(double db) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f dB", db);
  return text;
}

// Why a value can be that far off although what it is made of is not: it shares a scale.
std::string shared_scale(const QuantizationPlan& plan, const std::string& value) {
  const ActivationPlan* activation = plan.find_activation(value);
  if (activation == nullptr || activation->shares_with.empty()) return "";
  return ", with the scale of '" + activation->shares_with +
         "', which it shares (--exclude the Concat, or whatever joins them, to part them)";
}

// Warns of values that lose much more than the rounding to 8 bits takes, whatever becomes of the
// results, and of results that are far from the float model's.
void warn_of_falls(const Graph& quantized, const QuantizationCheck& check, double results_db,
                   const Host& host) {
  // Rounding to 8 bits leaves a tensor 30 to 50 dB, and a step takes a few of them.
  constexpr double kLowDb = 20, kFallDb = 15;
  constexpr std::size_t kNamed = 3;
  const auto errors = tensor_errors(check.planned, quantized, *check.sample, session_options(host));
  std::vector<TensorError> falls;
  for (const TensorError& error : errors)
    if (error.db < kLowDb && error.before_db - error.db > kFallDb) falls.push_back(error);
  const auto first = std::ranges::find_if(
      errors, [](const TensorError& error) { return error.db < kUnexpectedDb; });
  if (falls.empty() && results_db < kUnexpectedDb && first != errors.end()) falls = {*first};
  std::string text;
  for (std::size_t i = 0; i < std::min(falls.size(), kNamed); ++i)
    text += "; '" + falls[i].value + "' falls to " + decibels(falls[i].db) +
            shared_scale(check.plan, falls[i].value);
  if (falls.size() > kNamed) text += "; " + std::to_string(falls.size() - kNamed) + " more fall";
  if (text.empty() && results_db >= kUnexpectedDb) return;
  host.warn("on a calibration sample the outputs have an SQNR of " + decibels(results_db) + text);
}

// Throws where the results are not what `expected` lets expect, whose error it then completes.
void judge(const Graph& quantized, const QuantizationCheck& check, FloatRun& expected,
           const Host& host) {
  const Session session(quantized, session_options(host));
  if (expected.results.empty()) return;
  const std::vector<Tensor> results = session.run(*expected.inputs);
  const std::vector<bool> decided = decided_values(check.planned);
  OutputError all;
  for (std::size_t i = 0; i < results.size(); ++i) {
    OutputError error;
    error.add(expected.results[i], results[i]);
    const std::string& name = quantized.value(quantized.outputs()[i]).name;
    const ValueId source = check.planned.find_value(name);
    const bool is_decided = source != kNoValue && decided[static_cast<std::size_t>(source)];
    if (error.not_compared() > 0 && !is_decided)
      throw Error(ErrorKind::kInternal, "output '" + name + "' has another shape than in float");
    if (error.not_finite() > 0) {
      if (!is_finite(expected.results[i])) {
        if (!check.sample) return;  // made-up inputs show nothing then
        expected.error = std::make_exception_ptr(
            bad_input("output '" + name + "' of the float model is NaN or infinite"));
      }
      throw Error(ErrorKind::kInternal, "output '" + name + "' is NaN or infinite");
    }
    all.merge(error);
  }
  if (check.sample && host.warn) warn_of_falls(quantized, check, all.sqnr_db(), host);
}

}  // namespace

std::int64_t save_checked(Model quantized, const fs::path& named, const QuantizationCheck& check,
                          const Host& host) {
  const fs::path output = behind_links(named);
  CheckingFolder folder(output);
  const fs::path candidate = folder.path() / output.filename();
  save_model(quantized, candidate);
  quantized = Model();  // what is read back takes its place in memory
  const std::int64_t bytes = folder.bytes();
  const Graph& source = check.source.model.graph;
  const bool runs = weight_bytes(source) <= kRunBelowBytes;
  if (host.stop.stop_requested()) throw interrupted();
  FloatRun expected = runs ? run_float(check, host) : FloatRun();
  try {
    const Graph written = load_model(candidate).graph;
    if (host.stop.stop_requested()) throw interrupted();
    if (runs)
      judge(written, check, expected, host);
    else
      check_operators(written);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInterrupted || error.kind() == ErrorKind::kResource) throw;
    // Where the float model is at fault too, its own error is the one that the user can mend.
    if (!expected.error && runs) expected.error = hidden_error(check, expected, host);
    if (expected.error) std::rethrow_exception(expected.error);
    throw Error(ErrorKind::kInternal, "the quantized model failed its check and is not written: " +
                                          std::string(error.what()));
  }
  if (!runs && host.warn)
    host.warn("the model has more than 1 GB of weights: the result was read back, but not run");
  folder.publish(output);
  return bytes;
}

}  // namespace q8
