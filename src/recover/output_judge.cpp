#include "recover/output_judge.h"

#include <cmath>
#include <limits>
#include <numeric>

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

double noise_of(const std::vector<Tensor>& fp32, const std::vector<Tensor>& int8) {
  if (fp32.size() != int8.size()) return kInfinity;
  double sum = 0;
  for (std::size_t i = 0; i < fp32.size(); ++i) sum += noise_of(fp32[i], int8[i]);
  return sum;
}

double energy_of(const Tensor& tensor) {
  if (!is_number(tensor.dtype())) return 0;
  double sum = 0;
  for (const float x : tensor.to_floats())
    if (std::isfinite(x)) sum += static_cast<double>(x) * x;
  return sum;
}

}  // namespace

OutputJudge::OutputJudge(const Graph& fp32, const RecoveryContext& context)
    : context_(context), mask_(fp32, context.mask) {
  const Session session(fp32, context.machine);
  for (const SampleInputs& sample : context.judge) {
    mask_.begin_sample(session, sample);
    references_.push_back(mask_.unmasked_outputs(session.run(sample)));
    signals_.push_back(0);
    for (const std::vector<Tensor>& output : references_.back())
      for (const Tensor& part : output) signals_.back() += energy_of(part);
    if (context.stop.stop_requested()) throw interrupted();
  }
}

std::vector<double> OutputJudge::noises(const PlannedGraph& model, std::size_t begin,
                                        std::size_t end) const {
  const Session session(apply_plan(model.graph, model.plan, Format::kQdq), context_.machine);
  std::vector<double> noises;
  TokenMask mask = mask_;
  for (std::size_t s = begin; s < end; ++s) {
    mask.begin_sample(context_.judge[s]);
    const auto outputs = mask.unmasked_outputs(session.run(context_.judge[s]));
    double sum = 0;
    for (std::size_t o = 0; o < outputs.size(); ++o) sum += noise_of(references_[s][o], outputs[o]);
    noises.push_back(sum);
    if (context_.stop.stop_requested()) throw interrupted();
  }
  return noises;
}

double OutputJudge::signal() const {
  return std::accumulate(signals_.begin(), signals_.end(), 0.0);
}

double OutputJudge::sqnr_db(double noise) const {
  return decibels(signal(), noise);
}

double OutputJudge::sqnr_db(std::span<const double> noises) const {
  const auto end = signals_.begin() + std::ssize(noises);
  return decibels(std::accumulate(signals_.begin(), end, 0.0),
                  std::accumulate(noises.begin(), noises.end(), 0.0));
}

double decibels(double signal, double noise) {
  return noise > 0 ? 10 * std::log10(signal / noise) : kInfinity;
}

}  // namespace q8
