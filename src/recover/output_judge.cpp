#include "recover/output_judge.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"
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

// False where a node has not outlived a rewriting of the graph.
bool add_outputs(Graph& graph, std::span<const NodeInput> also) {
  for (const auto& [name, input] : also) {
    const auto node = std::ranges::find(graph.nodes(), name, &Node::name);
    if (node == graph.nodes().end() || input >= node->inputs.size()) return false;
    graph.add_output(node->inputs[input]);
  }
  return true;
}

Graph with_outputs(Graph graph, std::span<const NodeInput> also) {
  const bool added = add_outputs(graph, also);
  Q8_ASSERT(added);
  return graph;
}

}  // namespace

OutputJudge::OutputJudge(const Graph& fp32, const RecoveryContext& context)
    : context_(context),
      also_(deciding_inputs(fp32)),
      fp32_(with_outputs(fp32, also_)),
      mask_(fp32_, context.mask) {
  const Session session(fp32_, context.machine);
  for (const SampleInputs& sample : context.judge) {
    mask_.begin_sample(session, sample);
    Outputs outputs = mask_.unmasked_outputs(session.run(sample));
    if (counts_.empty()) choose_outputs(outputs);
    signals_.push_back(0);
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      if (!counts_[o]) outputs[o].clear();
      for (const Tensor& part : outputs[o]) signals_.back() += energy_of(part);
    }
    references_.push_back(std::move(outputs));
    if (context.stop.stop_requested()) throw interrupted();
  }
}

// By the outputs of one sample.
void OutputJudge::choose_outputs(const Outputs& outputs) {
  const std::vector<bool> decided = decided_values(fp32_);
  const auto is_real = [](const Tensor& part) { return is_floating(part.dtype()); };
  std::vector<bool> real, real_and_comparable;
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    counts_.push_back(!decided[static_cast<std::size_t>(fp32_.outputs()[o])]);
    real.push_back(std::ranges::any_of(outputs[o], is_real));
    real_and_comparable.push_back(real.back() && counts_.back());
  }
  // A branch that a computed condition chose may be all there is, and is rarely the other one.
  for (std::vector<bool>* candidates : {&real, &real_and_comparable})
    if (std::ranges::find(*candidates, true) != candidates->end()) counts_ = std::move(*candidates);
}

std::vector<double> OutputJudge::noises(const PlannedGraph& model, std::size_t begin,
                                        std::size_t end) const {
  Graph graph = apply_plan(model.graph, model.plan, Format::kQdq);
  if (!add_outputs(graph, also_)) return std::vector<double>(end - begin, kInfinity);
  const Session session(graph, context_.machine);
  std::vector<double> noises;
  TokenMask mask = mask_;
  for (std::size_t s = begin; s < end; ++s) {
    mask.begin_sample(context_.judge[s]);
    const auto outputs = mask.unmasked_outputs(session.run(context_.judge[s]));
    double sum = 0;
    for (std::size_t o = 0; o < outputs.size(); ++o)
      if (counts_[o]) sum += noise_of(references_[s][o], outputs[o]);
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
