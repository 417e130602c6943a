#include "recover/output_error.h"

#include <cmath>
#include <limits>

#include "rewrite/apply_plan.h"

namespace q8 {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool is_number(DType dtype) {
  return is_floating(dtype) || is_integer(dtype);
}

double noise_of(const Tensor& fp32, const Tensor& int8) {
  if (!is_number(fp32.dtype())) return 0;
  if (fp32.shape() != int8.shape()) return kInfinity;
  const std::vector<float> a = fp32.to_floats(), b = int8.to_floats();
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i])) continue;
    if (!std::isfinite(b[i])) return kInfinity;
    const double difference = static_cast<double>(a[i]) - b[i];
    sum += difference * difference;
  }
  return sum;
}

double energy_of(const Tensor& tensor) {
  if (!is_number(tensor.dtype())) return 0;
  double sum = 0;
  for (const float x : tensor.to_floats())
    if (std::isfinite(x)) sum += static_cast<double>(x) * x;
  return sum;
}

void tell(const RecoveryContext& context, std::size_t done) {
  if (context.stop.stop_requested()) throw interrupted();
  if (context.progress)
    context.progress("judging recovery", static_cast<std::int64_t>(done),
                     std::ssize(context.judge));
}

}  // namespace

OutputError::OutputError(const Graph& fp32, const RecoveryContext& context) : context_(context) {
  const Session session(fp32, context.machine);
  for (const SampleInputs& sample : context.judge) {
    references_.push_back(session.run(sample));
    for (const Tensor& output : references_.back()) signal_ += energy_of(output);
    tell(context, references_.size());
  }
}

double OutputError::noise(const PlannedGraph& model) const {
  const Session session(apply_plan(model.graph, model.plan, Format::kQdq), context_.machine);
  double sum = 0;
  for (std::size_t s = 0; s < context_.judge.size(); ++s) {
    const std::vector<Tensor> outputs = session.run(context_.judge[s]);
    for (std::size_t o = 0; o < outputs.size(); ++o) sum += noise_of(references_[s][o], outputs[o]);
    tell(context_, s + 1);
  }
  return sum;
}

double OutputError::sqnr_db(double noise) const {
  return noise > 0 ? 10 * std::log10(signal_ / noise) : kInfinity;
}

}  // namespace q8
